// SPDX-License-Identifier: Apache-2.0
// Parts: [backbone.NAME], [fusion.NAME], [head.NAME], [head.NAME.regularizer].
#include <algorithm>

#include "core/config/layers.hpp"
#include "core/config/reader.hpp"

namespace hilum::config {
namespace {

// Members of the base as members of P, as a Schema<P> binds them.
template <class P>
Schema<P> common(const std::string& kind) {
  return Schema<P>{}
      .add("plugin", static_cast<std::string P::*>(&Part::plugin),
           "name of the " + kind + " plugin")
      .add("init", static_cast<std::string P::*>(&Part::init),
           "weights of this part to start from: \"run:ID\" or a file");
}

template <class P>
Strings tables_of() {
  if constexpr (std::is_same_v<P, Backbone>) return {"inputs"};
  if constexpr (std::is_same_v<P, Head>) return {"regularizer"};
  return {};
}

bool contains(const Strings& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

void erase(Node& root, const std::string& path) {
  const auto dot = path.find('.');
  if (dot == std::string::npos)
    std::erase_if(root.children, [&](const Node& child) { return child.key == path; });
  else if (Node* child = root.find(path.substr(0, dot)))
    erase(*child, path.substr(dot + 1));
}

}  // namespace

template <>
const Schema<Backbone>& core_schema() {
  static const auto schema = common<Backbone>("backbone");
  return schema;
}

template <>
const Schema<Fusion>& core_schema() {
  static const auto schema =
      common<Fusion>("fusion")
          .add("connect", &Fusion::connect, "pairs [giver, receiver]: the receiver is replaced")
          .add("between", &Fusion::between,
               "lists [a, b, ...]: each is replaced, reading all of them")
          .add("only", &Fusion::only, "stages and heads that see the result; empty: all")
          .rule([](const Fusion& f) { return !f.connect.empty() || !f.between.empty(); },
                "neither 'connect' nor 'between' is given. Write connect = [[\"a.S1\", \"b.S1\"]]");
  return schema;
}

template <>
const Schema<Regularizer>& core_schema() {
  static const auto schema =
      common<Regularizer>("regularizer")
          .add("guide", &Regularizer::guide, "head whose probability guides it, per sample")
          .add("reads", &Regularizer::reads, "kept for later: further addresses that it reads")
          .rule([](const Regularizer& r) { return r.reads.empty(); },
                "'reads' is kept for later: a regularizer reads its head's logits and its guide. "
                "Remove the line");
  return schema;
}

template <>
const Schema<Head>& core_schema() {
  static const auto schema =
      common<Head>("head")
          .add("on", &Head::on,
               "what it reads: \"seg.S9\", \"cls/8\" or another head's \"mask.hidden\"")
          .add("weight", &Head::weight, "factor of its loss in the total")
          .range(0, 1e9)
          .rule([](const Head& h) { return !h.on.empty(); },
                "'on' is missing. Name what the head reads, such as on = \"seg.S9\"");
  return schema;
}

void Reader::split_keys(const Node& table, const std::vector<Parameter>& core,
                        const Strings& tables, const std::string& what, Values& core_values,
                        Values& options) {
  const Strings core_names = names_of(core);
  for (const auto& child : table.children) {
    const bool is_table = contains(tables, child.key), is_core = contains(core_names, child.key);
    if (child.data && is_table)
      problem(child.where, what + ": '" + child.key + "' is a table, not a value");
    else if (child.data)
      (is_core ? core_values : options)[child.key] = {*child.data, child.where};
    else if (is_core)
      problem(child.where, what + ": '" + child.key + "' is a value, not a table");
    else if (!is_table)
      problem(child.where,
              what + ": unknown table '" + child.key + "'." +
                  (tables.empty() ? " It has no tables." : suggestion(child.key, tables)),
              true);
  }
}

std::optional<Declaration> Reader::look_up(const std::string& kind, const std::string& plugin,
                                           const std::string& where) {
  if (!lookup_) return std::nullopt;
  try {
    return lookup_(kind, plugin);
  } catch (const Error& error) {
    if (error.fault == Fault::request)
      problem(where, error.what());
    else if (!broken_plugin_)
      broken_plugin_ = std::current_exception();
    return std::nullopt;
  }
}

// Without a plugin nobody knows the options. One that looks like `plugin` is the mistake itself; a
// table that looks like a neighbour's name is a mistyped reference to it.
void Reader::no_plugin(const Part& part, const Node& table, const std::string& what,
                       Values& options) {
  for (const auto& [key, value] : options)
    if (!nearest(key, {"plugin"}).empty()) {
      problem(value.where, what + ": unknown option '" + key + "'. Did you mean 'plugin'?", true);
      return;
    }
  Strings neighbours;
  if (const Node* kind = experiment.document.root.find(part.kind))
    for (const auto& other : kind->children)
      if (other.key != table.key && other.find("plugin")) neighbours.push_back(other.key);
  const auto near = part.kind == "regularizer" ? "" : nearest(table.key, neighbours);
  problem(table.where, what + ": 'plugin' is missing." +
                           (near.empty() ? " Write plugin = \"NAME\" (hilum plugins list)"
                                         : " Did you mean [" + part.kind + "." + near + "]?"));
}

// A plugin that was swapped by a later layer does not inherit options that it does not know.
Values Reader::keep_known(const Part& part, const Node& table, const std::string& path,
                          const Declaration& declaration, Values options) {
  const Strings names = names_of(declaration.parameters);
  for (const auto& child : table.children) {
    if (child.for_plugin.empty() || !options.contains(child.key) || contains(names, child.key))
      continue;
    experiment.dropped.push_back(path + ": option '" + child.key + "' (" + child.where +
                                 ") was for '" + child.for_plugin + "' and is unknown to '" +
                                 part.plugin + "'; it is left out");
    options.erase(child.key);
  }
  return options;
}

void Reader::options(Part& part, const Node& table, const std::string& path, const Values& core,
                     Strings known, Values options) {
  const auto plugin = core.find("plugin");
  const auto declaration =
      look_up(part.kind, part.plugin, plugin == core.end() ? table.where : plugin->second.where);
  if (!declaration) return;
  const size_t before = experiment.dropped.size();
  const Values all = options;
  options = as_typed(keep_known(part, table, path, *declaration, options), declaration->parameters);
  if (experiment.dropped.size() > before)
    for (const auto& [key, value] : all)
      if (!options.contains(key)) erase(experiment.document.root, path + "." + key);
  // Keys that are not set yet are likelier to be meant by a mistyped one.
  std::stable_partition(known.begin(), known.end(),
                        [&](const auto& key) { return !core.contains(key); });
  const std::string what = part.kind + " '" + part.plugin + "'";
  if (declaration->validate) declaration->validate(options, what, table.where, problems_, known);
  add_entries(path, declaration->parameters, options);
  part.options = std::move(options);
}

template <class P>
P Reader::part(const Node& table, const std::string& kind, const std::string& path,
               const std::string& what) {
  const auto& schema = core_schema<P>();
  Values core, own;
  if (table.data) {
    problem(table.where, what + ": this must be a table. Write [" + path + "] above its keys");
    return {};
  }
  split_keys(table, schema.parameters, tables_of<P>(), what, core, own);
  core = as_typed(std::move(core), schema.parameters);
  const bool has_plugin = core.contains("plugin");
  // A table without a plugin is mistyped as a whole: its other rules would only distract.
  Problems rules;
  P part = schema.parse(core, what, table.where, has_plugin ? problems_ : rules);
  part.kind = kind, part.name = table.key, part.where = table.where;
  add_entries(path, schema.parameters, core);
  Strings known = names_of(schema.parameters);
  for (const auto& name : tables_of<P>()) known.push_back(name);
  if (!has_plugin)
    no_plugin(part, table, what, own);
  else if (!part.plugin.empty())
    options(part, table, path, core, std::move(known), std::move(own));
  return part;
}

void Reader::check_name(const Node& table, const std::string& kind) {
  if (!is_name(table.key))
    problem(table.where,
            kind + " '" + table.key +
                "': a name has letters, digits, '_' and '-', and begins with a letter");
  const Strings reserved = {"fusion", "head", "regularizer", "input"};
  if (kind == "backbone" && contains(reserved, table.key))
    problem(table.where,
            "backbone '" + table.key +
                "': this name is taken by addresses. Taken are: " + join(reserved, ", "));
}

void Reader::read_inputs(Backbone& backbone, const Node& table, const std::string& path) {
  const Node* inputs = table.find("inputs");
  if (!inputs) return;
  for (const auto& child : inputs->children) {
    const auto* address = child.data ? std::get_if<std::string>(&*child.data) : nullptr;
    if (!address) {
      problem(child.where, "backbone '" + backbone.name + "': input '" + child.key +
                               "' must be an address, such as \"enc.C2\" or \"input.image\"");
      continue;
    }
    backbone.inputs[child.key] = *address;
    entries.push_back({path + ".inputs." + child.key,
                       {child.key, "what the input of this name reads", "", std::string()},
                       *address,
                       child.where});
  }
}

void Reader::read_regularizer(Head& head, const Node& table, const std::string& path) {
  const Node* regularizer = table.find("regularizer");
  if (!regularizer || regularizer->data) return;
  const std::string what = "regularizer of head '" + table.key + "'";
  head.regularizer = part<Regularizer>(*regularizer, "regularizer", path + ".regularizer", what);
  head.regularizer->name = table.key;
}

template <class P>
std::vector<P> Reader::parts(const std::string& kind) {
  std::vector<P> list;
  const Node* found = experiment.document.root.find(kind);
  if (!found) return list;
  const Node tables = *found;  // a copy: dropped options leave the tree meanwhile
  for (const auto& table : tables.children) {
    const std::string path = kind + "." + table.key;
    check_name(table, kind);
    P read = part<P>(table, kind, path, kind + " '" + table.key + "'");
    if constexpr (std::is_same_v<P, Backbone>) read_inputs(read, table, path);
    if constexpr (std::is_same_v<P, Head>) read_regularizer(read, table, path);
    list.push_back(std::move(read));
  }
  return list;
}

template std::vector<Backbone> Reader::parts(const std::string&);
template std::vector<Fusion> Reader::parts(const std::string&);
template std::vector<Head> Reader::parts(const std::string&);

}  // namespace hilum::config
