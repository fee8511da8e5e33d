// SPDX-License-Identifier: Apache-2.0
// TOML in, a checked Experiment out. No LibTorch: a wrong file is an error before anything heavy
// starts.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config/options.hpp"

namespace hilum::config {

/// One key of the merged file, in file order. Tables have children, values have data.
struct Node {
  std::string key, where;    // where: "file:line:column" or "command line: a.b=v"
  std::optional<Data> data;  // none: a table
  std::vector<Node> children;
  std::string for_plugin;  // written for this plugin, which a later layer replaced; or ""
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
};

/// A file with what it extends and the overrides merged in; nothing is checked but TOML itself and
/// where overrides may point. Paths are absolute: relative to the file that says them, or to the
/// working directory when the command line does.
/// Throws Error (Fault::request): missing file, TOML syntax, a cycle of `extends`, a bad override.
struct Document {
  std::filesystem::path file;
  Node root;
  static Document load(const std::filesystem::path& file, const Strings& overrides);
  /// The resolved text, one key a line, that `runs/<id>/config.toml` holds. Loading it again gives
  /// the same tree.
  std::string to_toml() const;
};

/// What stands in a part's table. Core keys are members, the rest are the plugin's options.
struct Part {
  std::string kind, name, plugin, where;  // [backbone.seg] plugin = "unet": backbone, seg, unet
  Values options;
  std::string init;  // weights of this part: "run:ID" or a file
};
struct Backbone : Part {
  std::map<std::string, std::string> inputs;  // graph input -> address: {image = "enc.C2"}
};
struct Fusion : Part {
  std::vector<Strings> connect;  // [giver, receiver]
  std::vector<Strings> between;  // [a, b, ...]: one instance for each feature
  Strings only;                  // consumers that see the result; empty: all
};
struct Regularizer : Part {
  std::string guide;  // a head's name, or ""
  Strings reads;
};
struct Head : Part {
  Strings on;
  double weight = 1;
  std::optional<Regularizer> regularizer;
};

/// A file that was checked as a whole: typed sections and parts, nothing left to look up.
struct Experiment {
  std::filesystem::path file;
  ExperimentOptions experiment;
  PluginOptions plugins;
  DataOptions data;
  TrainOptions train;
  std::vector<Backbone> backbones;  // all in file order
  std::vector<Fusion> fusions;
  std::vector<Head> heads;
  Document document;
  /// Each key a schema knows, with its value: what the run store's `param` table holds.
  /// {"train.lr", 0.001}
  std::vector<std::pair<std::string, Data>> parameters;
  /// Options left out because a later layer chose a plugin that does not know them: notes to print.
  Strings dropped;
  std::string hash()
      const;  // SHA-256 of the resolved parameters: equal for the same work, file names aside
};

/// Finds a plugin's declaration; throws Error (request: unknown name with suggestion; plugin:
/// cannot be loaded).
using Lookup = std::function<Declaration(const std::string& kind, const std::string& name)>;

/// Checks everything at once and throws one Error with all problems, unknown keys first.
/// `make_lookup` is called once [plugins] is read.
Experiment read(const Document& document,
                const std::function<Lookup(const PluginOptions&)>& make_lookup);

/// One line of `hilum config explain`.
struct Explanation {
  std::string key, value, type, allowed, unit, help, set_by;  // set_by: where, or "default"
};
/// Every known key (or those under `prefix`), set or not. An unknown prefix is an Error with the
/// nearest key.
std::vector<Explanation> explain(const Document& document,
                                 const std::function<Lookup(const PluginOptions&)>& make_lookup,
                                 const std::string& prefix);

}  // namespace hilum::config
