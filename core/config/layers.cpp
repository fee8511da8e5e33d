// SPDX-License-Identifier: Apache-2.0
#include "core/config/layers.hpp"

#include <algorithm>

namespace hilum::config {
namespace fs = std::filesystem;
namespace {

// What an earlier layer wrote for a plugin that this one replaces need not fit the new one.
void mark_replaced(Node& table, const Node& plugin) {
  const Node* before = table.find("plugin");
  if (!before || !before->data || !plugin.data || *before->data == *plugin.data) return;
  const auto* name = std::get_if<std::string>(&*before->data);
  if (!name) return;
  for (auto& child : table.children)
    if (child.data && child.key != "plugin" && child.for_plugin.empty()) child.for_plugin = *name;
}

std::string absolute(const std::string& path, const fs::path& folder) {
  return fs::absolute(folder / path).lexically_normal().string();
}

// "run:ID" names a run; "experiment:FILE" and a bare name are files.
std::string absolute_init(const std::string& text, const fs::path& folder) {
  static const std::string kExperiment = "experiment:";
  if (text.empty() || text.starts_with("run:")) return text;
  if (text.starts_with(kExperiment))
    return kExperiment + absolute(text.substr(kExperiment.size()), folder);
  return absolute(text, folder);
}

std::string* text_at(Node& root, std::string_view table, std::string_view key) {
  Node* section = root.find(table);
  Node* node = section ? section->find(key) : nullptr;
  return node && node->data ? std::get_if<std::string>(&*node->data) : nullptr;
}

void resolve_init(Node& part, const fs::path& folder) {
  Node* init = part.find("init");
  auto* text = init && init->data ? std::get_if<std::string>(&*init->data) : nullptr;
  if (text) *text = absolute_init(*text, folder);
  if (Node* regularizer = part.find("regularizer")) resolve_init(*regularizer, folder);
}

}  // namespace

const std::vector<Section>& sections() {
  static const std::vector<Section> all = {{"experiment", ExperimentOptions::schema().parameters},
                                           {"plugins", PluginOptions::schema().parameters},
                                           {"data", DataOptions::schema().parameters},
                                           {"train", TrainOptions::schema().parameters}};
  return all;
}

bool is_table_of(const std::vector<Parameter>& parameters, const std::string& name) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const Parameter& p) { return p.name.starts_with(name + "."); });
}

Strings names_of(const std::vector<Parameter>& parameters) {
  Strings names;
  for (const auto& parameter : parameters) names.push_back(parameter.name);
  return names;
}

Strings keys_of(const Node& table) {
  Strings keys;
  for (const auto& child : table.children) keys.push_back(child.key);
  return keys;
}

void assign(Node& table, Node node) {
  if (node.key == "plugin") mark_replaced(table, node);
  if (Node* before = table.find(node.key))
    *before = std::move(node);
  else
    table.children.push_back(std::move(node));
}

void merge(Node& into, Node from) {
  if (!from.where.empty()) into.where = from.where;
  if (const Node* plugin = from.find("plugin")) mark_replaced(into, *plugin);
  for (auto& child : from.children) {
    Node* before = into.find(child.key);
    if (before && !before->data && !child.data)
      merge(*before, std::move(child));
    else
      assign(into, std::move(child));
  }
}

void resolve_paths(Node& root, const fs::path& folder) {
  if (auto* source = text_at(root, "data", "source");
      source && *source != "phantom" && !source->empty())
    *source = absolute(*source, folder);
  if (auto* folds = text_at(root, "data", "folds"); folds && !folds->empty())
    *folds = absolute(*folds, folder);
  if (auto* init = text_at(root, "train", "init")) *init = absolute_init(*init, folder);
  for (const auto* kind : {"backbone", "fusion", "head"})
    if (Node* table = root.find(kind))
      for (auto& part : table->children) resolve_init(part, folder);
  Node* plugins = root.find("plugins");
  Node* registries = plugins ? plugins->find("registries") : nullptr;
  if (!registries || !registries->data) return;
  if (auto* one = std::get_if<std::string>(&*registries->data)) *one = absolute(*one, folder);
  if (auto* list = std::get_if<Strings>(&*registries->data))
    for (auto& entry : *list) entry = absolute(entry, folder);
}

}  // namespace hilum::config
