// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/cases.hpp"

#include <algorithm>

#include "core/config/toml.hpp"
#include "core/util/files.hpp"

namespace hilum::bench {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kLargest = int64_t{1} << 31;  // values in one input: 8 GiB of float32
const char* const kShapes = "[N,C], [N,C,H,W] or [N,C,D,H,W] of whole numbers from 1";

// A backbone names its inputs itself, so that only building it can tell.
bool has_input(const std::string& kind, const std::string& name) {
  const bool letter = name.size() == 1 && name[0] >= 'a' && name[0] <= 'w';
  if (kind == "fusion") return letter;
  if (kind == "regularizer") return name == "u" || name == "c";
  if (kind == "head") return letter || name == "x" || name == "image";
  return is_name(name);
}

std::string inputs_of(const std::string& kind) {
  if (kind == "fusion") return "a, b, c, ...";
  if (kind == "regularizer") return "u and c";
  if (kind == "head") return "x (or a, b, c, ...) and image";
  return "x";
}

std::string meant(const std::string& word, const Strings& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "" : " Did you mean '" + near + "'?";
}

bool is_shape(const std::vector<int64_t>& sizes) {
  if (sizes.size() != 2 && sizes.size() != 4 && sizes.size() != 5) return false;
  int64_t values = 1;
  return std::all_of(sizes.begin(), sizes.end(), [&](int64_t size) {
    if (size < 1 || size > kLargest / values) return false;
    values *= size;
    return true;
  });
}

struct Reader {
  const Declaration& plugin;
  Problems problems;

  void read_input(const config::Node& node, const std::string& what, Case& into) {
    const auto* sizes = std::get_if<std::vector<int64_t>>(&*node.data);
    if (!has_input(plugin.kind, node.key))
      problems.push_back({node.where,
                          what + ": a " + plugin.kind + " has no input '" + node.key +
                              "'. Allowed: " + inputs_of(plugin.kind) + "; options." +
                              meant(node.key, {"options"}),
                          true});
    else if (!sizes || !is_shape(*sizes))
      problems.push_back({node.where, what + ": '" + node.key + "': value " + to_text(*node.data) +
                                          ", allowed a shape: " + kShapes});
    else
      into.inputs.emplace_back(node.key, *sizes);
  }

  void read_options(const config::Node& table, const std::string& what, Case& into) {
    if (table.data)
      problems.push_back({table.where, what + ": 'options': value " + to_text(*table.data) +
                                           ", allowed a table: options = { width = 8 }"});
    for (const auto& option : table.children)
      if (option.data)
        into.options[option.key] = {*option.data, option.where};
      else
        problems.push_back({option.where, what + ": option '" + option.key + "' is a table"});
  }

  Case read_case(const config::Node& table, const Values& options) {
    Case one{.name = table.key, .options = {}, .where = table.where};
    const std::string what = "case '" + table.key + "'";
    if (table.data)
      problems.push_back({table.where, what + " is a value. Write [case.\"" + table.key +
                                           "\"] and its inputs below"});
    const size_t before = problems.size();
    for (const auto& child : table.children)
      if (child.key == "options")
        read_options(child, what, one);
      else if (child.data)
        read_input(child, what, one);
      else
        problems.push_back(
            {child.where,
             what + ": there is no table '" + child.key + "'." + meant(child.key, {"options"}),
             true});
    if (!table.data && one.inputs.empty() && problems.size() == before)
      problems.push_back({table.where, what + " has no inputs. A " + plugin.kind +
                                           " reads: " + inputs_of(plugin.kind)});
    for (const auto& [name, value] : options) one.options[name] = value;
    return one;
  }
};

int64_t channels(const Declaration& plugin, const Values& options) {
  const std::string name = "in_channels";
  const int64_t* given = nullptr;
  if (const auto set = options.find(name); set != options.end())
    given = std::get_if<int64_t>(&set->second.data);
  for (const auto& p : plugin.parameters)
    if (!given && p.name == name) given = std::get_if<int64_t>(&p.fallback);
  return given ? std::max<int64_t>(1, *given) : 1;
}

}  // namespace

std::vector<Case> default_cases(const Declaration& plugin, const Values& options) {
  std::vector<Case> cases;
  const auto add = [&](const char* name, decltype(Case::inputs) inputs) {
    cases.push_back({name, std::move(inputs), options});
  };
  if (plugin.kind == "backbone") {
    const int64_t c = channels(plugin, options);
    add("64x64", {{"x", {2, c, 64, 64}}});
    add("128x128", {{"x", {2, c, 128, 128}}});
    add("16x64x64", {{"x", {1, c, 16, 64, 64}}});
  } else if (plugin.kind == "fusion") {
    add("32x32", {{"a", {10, 64, 32, 32}}, {"b", {10, 64, 32, 32}}});
    add("16x16x16", {{"a", {1, 32, 16, 16, 16}}, {"b", {1, 32, 16, 16, 16}}});
  } else if (plugin.kind == "regularizer") {
    add("128x128", {{"u", {10, 1, 128, 128}}, {"c", {10, 1}}});
    add("16x64x64", {{"u", {1, 1, 16, 64, 64}}, {"c", {1, 1}}});
  } else {
    add("64x64", {{"x", {10, 32, 64, 64}}, {"image", {10, 1, 64, 64}}});
    add("4x4", {{"x", {10, 1024, 4, 4}}, {"image", {10, 1, 64, 64}}});
    add("16x32x32", {{"x", {1, 32, 16, 32, 32}}, {"image", {1, 1, 16, 32, 32}}});
  }
  return cases;
}

std::vector<Case> read_cases(const fs::path& file, const Declaration& plugin,
                             const Values& options) {
  if (!fs::is_regular_file(file))
    throw Error(file.string() + ": there is no such file. --cases takes a TOML file of cases.",
                Fault::request);
  const auto root = config::parse_toml(util::read_file(file), file.string());
  Reader reader{plugin, {}};
  std::vector<Case> cases;
  for (const auto& node : root.children)
    if (node.key != "case" || node.data)
      reader.problems.push_back({node.where,
                                 "a file of cases has nothing but tables [case.\"NAME\"], not '" +
                                     node.key + "'." + meant(node.key, {"case"}),
                                 true});
    else
      for (const auto& table : node.children) cases.push_back(reader.read_case(table, options));
  if (root.children.empty() || (cases.empty() && reader.problems.empty()))
    reader.problems.push_back(
        {file.string(), "has no case. Write [case.\"32x32\"] and the shape of each input below: " +
                            inputs_of(plugin.kind)});
  throw_if_any(std::move(reader.problems));
  return cases;
}

}  // namespace hilum::bench
