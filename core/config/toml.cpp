// SPDX-License-Identifier: Apache-2.0
#include "core/config/toml.hpp"

#include <toml++/toml.h>

#include <algorithm>

namespace hilum::config {
namespace {

std::string position(const std::string& name, const toml::source_position& at) {
  return name + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

template <class T>
bool all_are(const std::vector<Data>& items) {
  return std::all_of(items.begin(), items.end(),
                     [](const Data& item) { return std::holds_alternative<T>(item); });
}

template <class T>
std::vector<T> all_as(const std::vector<Data>& items) {
  std::vector<T> list;
  for (const auto& item : items) list.push_back(std::get<T>(item));
  return list;
}

// One list of one kind; none where the items are mixed. An empty list is a Strings.
std::optional<Data> list_of(const std::vector<Data>& items) {
  if (items.empty()) return Strings{};
  if (all_are<int64_t>(items)) return all_as<int64_t>(items);
  if (all_are<std::string>(items)) return all_as<std::string>(items);
  if (all_are<Strings>(items)) return all_as<Strings>(items);
  std::vector<double> numbers;
  for (const auto& item : items) {
    if (const auto* whole = std::get_if<int64_t>(&item))
      numbers.push_back(static_cast<double>(*whole));
    else if (const auto* number = std::get_if<double>(&item))
      numbers.push_back(*number);
    else
      return std::nullopt;
  }
  return numbers;
}

Data value_of(const toml::node& node, const std::string& name) {
  if (const auto* v = node.as_boolean()) return v->get();
  if (const auto* v = node.as_integer()) return v->get();
  if (const auto* v = node.as_floating_point()) return v->get();
  if (const auto* v = node.as_string()) return v->get();
  const std::string where = position(name, node.source().begin);
  const auto* array = node.as_array();
  if (!array)
    throw Error(
        where + ": dates and tables inside lists have no use here. Write a date as \"text\"",
        Fault::request);
  std::vector<Data> items;
  for (const auto& item : *array) items.push_back(value_of(item, name));
  if (auto list = list_of(items)) return *list;
  throw Error(
      where + ": a list holds integers, numbers, strings or lists of strings, and one kind only",
      Fault::request);
}

// The library sorts keys; the tree has them as the file does, since fusions apply in file order.
std::vector<Node> children_of(const toml::table& table, const std::string& name) {
  std::vector<std::pair<toml::source_position, Node>> children;
  for (const auto& [key, value] : table) {
    const auto at = key.source().begin;
    Node node;
    node.key = std::string(key.str());
    node.where = position(name, at);
    if (const auto* inner = value.as_table())
      node.children = children_of(*inner, name);
    else
      node.data = value_of(value, name);
    children.emplace_back(at, std::move(node));
  }
  std::stable_sort(children.begin(), children.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  std::vector<Node> sorted;
  for (auto& child : children) sorted.push_back(std::move(child.second));
  return sorted;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The items of [a, "b,c", [d, e]]: commas inside brackets and quotes do not separate.
Strings items_of(const std::string& list) {
  Strings items(1);
  int depth = 0;
  char quote = 0;
  for (const char c : list.substr(1, list.size() - 2)) {
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[') {
      ++depth;
    } else if (c == ']') {
      --depth;
    } else if (c == ',' && depth == 0) {
      items.emplace_back();
      continue;
    }
    items.back() += c;
  }
  if (trimmed(items.back()).empty()) items.pop_back();
  return items;
}

// nullopt: not TOML, or TOML that a tree cannot hold (a date).
std::optional<Node> parse_value(const std::string& text) {
  try {
    Node root = parse_toml("v = " + text, "");
    if (root.children.size() != 1 || root.children[0].key != "v") return std::nullopt;
    root.children[0].key.clear();
    return root.children[0];
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool bare(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-';
  });
}

void write_table(const Node& table, const std::string& path, std::string& out) {
  const bool values = std::any_of(table.children.begin(), table.children.end(),
                                  [](const Node& child) { return child.data.has_value(); });
  if (!path.empty() && (values || table.children.empty()))
    out += (out.empty() ? "[" : "\n[") + path + "]\n";
  const auto key = [](const Node& node) { return bare(node.key) ? node.key : to_text(node.key); };
  for (const auto& child : table.children)
    if (child.data) out += key(child) + " = " + to_text(*child.data) + "\n";
  for (const auto& child : table.children)
    if (!child.data) write_table(child, path + (path.empty() ? "" : ".") + key(child), out);
}

}  // namespace

Node parse_toml(const std::string& text, const std::string& name) {
  try {
    const toml::table table = toml::parse(text, name);
    Node root;
    root.where = name;
    root.children = children_of(table, name);
    return root;
  } catch (const toml::parse_error& error) {
    throw Error(position(name, error.source().begin) + ": " + std::string(error.description()),
                Fault::request);
  }
}

Node parse_argument(const std::string& text) {
  if (auto node = parse_value(text)) return *node;
  Node node;
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
    node.data = text;
    return node;
  }
  const Strings words = items_of(text);
  std::vector<Data> items;
  for (const auto& word : words) {
    const Node item = parse_argument(trimmed(word));
    items.push_back(item.data ? *item.data : Data(trimmed(word)));
  }
  const auto list = list_of(items);
  if (list) {
    node.data = *list;
  } else {  // [1, b]: text all through
    Strings all;
    for (const auto& word : words) all.push_back(trimmed(word));
    node.data = all;
  }
  return node;
}

std::string write_toml(const Node& root) {
  std::string out;
  write_table(root, "", out);
  return out;
}

}  // namespace hilum::config
