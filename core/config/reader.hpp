// SPDX-License-Identifier: Apache-2.0
// The checks behind read() and explain(): one pass over the tree that collects all problems.
#pragma once
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "core/config/experiment.hpp"

namespace hilum::config {

using MakeLookup = std::function<Lookup(const PluginOptions&)>;

/// A key that some schema knows, with the value it has.
struct Entry {
  std::string key;  // "train.lr", "head.mask.on"
  Parameter parameter;
  Data value;
  std::string where;  // "": the default
};

class Reader {
 public:
  explicit Reader(const Document& document);
  /// Throws one Error with all problems.
  void read(const MakeLookup& make_lookup);
  Experiment experiment;
  std::vector<Entry> entries;

 private:
  void check_top();
  template <class Options>
  Options section(const std::string& name);
  void flatten(const Node& table, const std::string& prefix, const std::string& what,
               const std::vector<Parameter>& parameters, Values& values);
  /// An Error of `look` becomes a problem at data.KEY.
  void check_data(const std::string& key, const std::function<void()>& look);
  void load_lookup(const MakeLookup& make_lookup);

  template <class P>
  std::vector<P> parts(const std::string& kind);
  template <class P>
  P part(const Node& table, const std::string& kind, const std::string& path,
         const std::string& what);
  void split_keys(const Node& table, const std::vector<Parameter>& core, const Strings& tables,
                  const std::string& what, Values& core_values, Values& options);
  void check_name(const Node& table, const std::string& kind);
  /// The plugin's own options; fills `part.options`.
  void options(Part& part, const Node& table, const std::string& path, const Values& core,
               Strings known, Values options);
  void no_plugin(const Part& part, const Node& table, const std::string& what, Values& options);
  Values keep_known(const Part& part, const Node& table, const std::string& path,
                    const Declaration& declaration, Values options);
  void read_inputs(Backbone& backbone, const Node& table, const std::string& path);
  void read_regularizer(Head& head, const Node& table, const std::string& path);
  std::optional<Declaration> look_up(const std::string& kind, const std::string& plugin,
                                     const std::string& where);

  void add_entries(const std::string& path, const std::vector<Parameter>& parameters,
                   const Values& values);
  void problem(const std::string& where, const std::string& message, bool unknown = false);
  void finish();

  Lookup lookup_;
  Problems problems_;
  std::exception_ptr broken_plugin_;  // thrown when nothing is wrong with the file itself
};

/// Addresses, guides and patterns that name what the file does not have.
void check_references(const Experiment& experiment, Problems& problems);
/// The values that parameters of text get from a command line that cannot quote: name=7.
Values as_typed(Values values, const std::vector<Parameter>& parameters);
/// Core keys of a part, with their help.
template <class P>
const Schema<P>& core_schema();

}  // namespace hilum::config
