// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/config/layers.hpp"
#include "core/config/toml.hpp"

namespace hilum::config {
namespace {

struct Override {
  char mode = '=';   // '=' change, '+' add, '~' delete
  Strings path;      // {"train", "lr"}
  std::string text;  // as typed
  std::string value;
  std::string where() const { return kCommandLine + text; }
  std::string dotted(size_t parts) const {
    return join(Strings(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(parts)), ".");
  }
};

[[noreturn]] void refuse(const Override& o, const std::string& message) {
  throw Error(o.where() + ": " + message, Fault::request);
}

Override split(const std::string& text) {
  Override o;
  o.text = text;
  if (text.starts_with('+') || text.starts_with('~')) o.mode = text[0];
  const size_t first = o.mode == '=' ? 0 : 1, equals = text.find('=');
  if ((equals == std::string::npos) != (o.mode == '~'))
    refuse(o, "this is not an override. Write a.b=value, +a.b=value (add) or ~a.b (delete)");
  const auto key = text.substr(first, equals == std::string::npos ? equals : equals - first);
  if (equals != std::string::npos) o.value = text.substr(equals + 1);
  for (size_t begin = 0; begin <= key.size();) {
    const size_t dot = std::min(key.find('.', begin), key.size());
    o.path.push_back(key.substr(begin, dot - begin));
    begin = dot + 1;
  }
  if (std::find(o.path.begin(), o.path.end(), "") != o.path.end())
    refuse(o, "'" + key + "' is not a key. Keys are names with dots between: train.lr");
  if (o.path[0] == "extends") refuse(o, "'extends' cannot be changed here. Change it in the file");
  return o;
}

const Section* section_of(const Override& o) {
  for (const auto& section : sections())
    if (section.name == o.path[0]) return &section;
  return nullptr;
}

// True for tables of fixed sections: they are there whether a file names them or not.
bool always_there(const Override& o, size_t parts) {
  const Section* section = section_of(o);
  if (!section || parts == 1) return section != nullptr;
  return is_table_of(section->parameters, join({o.path.begin() + 1, o.path.begin() + parts}, "."));
}

// What `o` could have meant among the tables and keys at its level.
std::string hint(const Override& o, size_t parts, const Node& table) {
  Strings known = keys_of(table);
  if (parts == 1) {
    for (const auto& section : sections()) known.push_back(section.name);
    for (const auto* kind : {"backbone", "fusion", "head"}) known.emplace_back(kind);
  } else if (const Section* section = section_of(o)) {
    const size_t inner = o.dotted(parts - 1).size() - section->name.size();  // "" or ".augment"
    const std::string prefix = o.dotted(parts - 1).substr(section->name.size());
    for (const auto& parameter : section->parameters)
      if (inner == 0)
        known.push_back(parameter.name.substr(0, parameter.name.find('.')));
      else if (("." + parameter.name).starts_with(prefix + "."))
        known.push_back(parameter.name.substr(inner));
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  auto near = nearest(o.path[parts - 1], known);
  if (near.empty()) {
    for (const auto& section : sections())  // lr=1 for train.lr=1
      for (const auto& parameter : section.parameters)
        if (parameter.name == o.path.back() || parameter.name.ends_with("." + o.path.back()))
          return " Did you mean '" + section.name + "." + parameter.name + "'?";
    return suggestion(o.path[parts - 1], known);
  }
  return " Did you mean '" + (parts > 1 ? o.dotted(parts - 1) + "." : "") + near + "'?";
}

// The table that holds the last key; made on the way where the override may.
Node& table_of(Node& root, const Override& o) {
  Node* table = &root;
  for (size_t i = 0; i + 1 < o.path.size(); ++i) {
    Node* next = table->find(o.path[i]);
    if (next && next->data)
      refuse(o, "'" + o.dotted(i + 1) + "' is a value, not a table (" + next->where + ")");
    if (!next) {
      if (o.mode == '~' || (o.mode == '=' && !always_there(o, i + 1)))
        refuse(o, "there is no table '" + o.dotted(i + 1) + "'." + hint(o, i + 1, *table) +
                      (o.mode == '=' ? " To add it: +" + o.text : ""));
      Node made;
      made.key = o.path[i], made.where = o.where();
      table->children.push_back(std::move(made));
      next = &table->children.back();
    }
    table = next;
  }
  return *table;
}

// A key that is not set: fixed sections know theirs. A part's are checked when its plugin is known.
void check_new_key(const Override& o, const Node& table) {
  const size_t parts = o.path.size();
  const Section* section = section_of(o);
  if (section && parts > 1) {
    const auto names = names_of(section->parameters);
    const auto rest = o.dotted(parts).substr(section->name.size() + 1);
    if (std::find(names.begin(), names.end(), rest) != names.end() || always_there(o, parts))
      return;
    refuse(o, "unknown key '" + o.dotted(parts) + "'." + hint(o, parts, table));
  }
  const bool in_part = !section && parts > 2;
  if (!in_part && o.mode == '=' && !always_there(o, parts))
    refuse(o, "unknown key '" + o.dotted(parts) + "'." + hint(o, parts, table) + " To add it: +" +
                  o.text);
}

}  // namespace

void apply_override(Node& root, const std::string& text) {
  const Override o = split(text);
  Node& table = table_of(root, o);
  Node* before = table.find(o.path.back());
  if (o.mode == '~') {
    if (!before)
      refuse(o, "there is no '" + o.dotted(o.path.size()) + "' to delete." +
                    hint(o, o.path.size(), table));
    std::erase_if(table.children, [&](const Node& child) { return child.key == o.path.back(); });
    return;
  }
  if (before && o.mode == '+')
    refuse(o, "'" + o.dotted(o.path.size()) + "' is set already (" + before->where +
                  "). Leave out the '+' to change it");
  if (!before) check_new_key(o, table);

  Node node = parse_argument(o.value);
  node.key = o.path.back(), node.where = o.where();
  for (auto& child : node.children) child.where = o.where();
  if (before && !before->data && node.data)
    refuse(o, "'" + o.dotted(o.path.size()) + "' is a table. Set a key in it, such as '" +
                  o.dotted(o.path.size()) + "." +
                  (before->children.empty() ? "key" : before->children[0].key) + "'");
  // In a tree of its own the value finds the path rules that it stands under.
  Node alone;
  Node* inner = &alone;
  for (size_t i = 0; i + 1 < o.path.size(); ++i) {
    Node step;
    step.key = o.path[i];
    inner->children.push_back(std::move(step));
    inner = &inner->children.back();
  }
  inner->children.push_back(std::move(node));
  resolve_paths(alone, std::filesystem::current_path());
  assign(table, std::move(inner->children.back()));
}

}  // namespace hilum::config
