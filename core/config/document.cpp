// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/config/experiment.hpp"
#include "core/config/layers.hpp"
#include "core/config/toml.hpp"
#include "core/util/files.hpp"

namespace hilum::config {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error(message, Fault::request); }

// " Did you mean 'base.toml'?" from the files that are there.
std::string similar_file(const fs::path& file) {
  Strings names;
  std::error_code ignored;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  const auto near = nearest(file.filename().string(), names);
  return near.empty() ? "" : " Did you mean '" + (file.parent_path() / near).string() + "'?";
}

std::string arrows(const std::vector<fs::path>& chain, const fs::path& last) {
  Strings names;
  for (const auto& file : chain) names.push_back(file.string());
  names.push_back(last.string());
  return join(names, " -> ");
}

Strings bases_of(const Node& extends) {
  if (extends.data) {
    if (const auto* one = std::get_if<std::string>(&*extends.data)) return {*one};
    if (const auto* list = std::get_if<Strings>(&*extends.data)) return *list;
  }
  refuse(extends.where + ": 'extends' must be the name of a file or a list of names");
}

// `chain` holds the files that extend this one, outermost first.
Node load_layers(const fs::path& file, std::vector<fs::path>& chain) {
  Node own = parse_toml(util::read_file(file), file.string());
  resolve_paths(own, file.parent_path());
  const Node* extends = own.find("extends");
  if (!extends) return own;

  chain.push_back(file);
  Node merged;
  for (const auto& name : bases_of(*extends)) {
    const fs::path base = (file.parent_path() / name).lexically_normal();
    const std::string said = extends->where + ": 'extends' names '" + name + "', ";
    if (!fs::is_regular_file(base))
      refuse(said + "which is not a file: " + arrows(chain, base) + "." + similar_file(base));
    for (const auto& above : chain)
      if (fs::equivalent(above, base))
        refuse(said + "which closes a circle: " + arrows(chain, base) + ". Take one of them out");
    merge(merged, load_layers(base, chain));
  }
  chain.pop_back();
  std::erase_if(own.children, [](const Node& child) { return child.key == "extends"; });
  merge(merged, std::move(own));
  return merged;
}

}  // namespace

const Node* Node::find(std::string_view wanted) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const Node& child) { return child.key == wanted; });
  return found == children.end() ? nullptr : &*found;
}

Node* Node::find(std::string_view wanted) {
  return const_cast<Node*>(std::as_const(*this).find(wanted));
}

Document Document::load(const fs::path& file, const Strings& overrides) {
  if (!fs::is_regular_file(file))
    refuse(file.string() + ": there is no such experiment file." + similar_file(file));
  std::vector<fs::path> chain;
  Document document{file, load_layers(file, chain)};
  for (const auto& text : overrides) apply_override(document.root, text);
  return document;
}

std::string Document::to_toml() const { return write_toml(root); }

}  // namespace hilum::config
