// SPDX-License-Identifier: Apache-2.0
#include "core/author/scaffold/scaffold.hpp"

#include <algorithm>

#include "core/author/scaffold/names.hpp"
#include "core/author/scaffold/templates.hpp"
#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::author {
namespace {

constexpr std::string_view kLicence = "// SPDX-License-Identifier: Apache-2.0\n";

std::vector<Template> of_kind(const std::string& kind) {
  std::vector<Template> found;
  Strings kinds;
  for (const auto& one : templates()) {
    if (one.kind == kind) found.push_back(one);
    if (!one.kind.empty() && std::ranges::find(kinds, one.kind) == kinds.end())
      kinds.push_back(one.kind);
  }
  if (found.empty() || kind.empty())
    throw Error("no kind of plugin is named '" + kind + "'." + suggestion(kind, kinds),
                Fault::request);
  return found;
}

// The C++ type that `name` asks for; another one where the example has a type of that name.
std::string free_type(const std::vector<Template>& example, const std::string& name) {
  const std::string type = type_name(name), kind = type_name(example.front().kind);
  if (type == type_name(example.front().name)) return type;
  const bool taken = std::ranges::any_of(example, [&](const Template& one) {
    return one.file.ends_with(".cpp") && has_word(one.text, type);
  });
  return taken ? type + kind : type;
}

std::string fill(std::string text, const std::string& mark, const std::string& value) {
  for (size_t at; (at = text.find(mark)) != text.npos;) text.replace(at, mark.size(), value);
  return text;
}

}  // namespace

Files scaffold(const std::string& kind, const std::string& name) {
  const auto example = of_kind(kind);
  check_name(kind, name);
  const std::string type = free_type(example, name);
  Files files;
  for (const auto& one : example) {
    std::string text = one.text;
    if (text.starts_with(kLicence)) text.erase(0, kLicence.size());
    text = replace_word(text, type_name(one.name), type);  // before a name that may contain it
    files[replace_word(one.file, one.name, name)] = replace_word(text, one.name, name);
  }
  for (const auto& one : templates())
    if (one.kind.empty()) files[one.file] = fill(fill(one.text, "@KIND@", kind), "@NAME@", name);
  return files;
}

}  // namespace hilum::author
