// SPDX-License-Identifier: Apache-2.0
#include "core/config/experiment.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "core/config/apart.hpp"
#include "core/config/channel.hpp"
#include "core/config/layers.hpp"
#include "core/config/reader.hpp"
#include "core/util/sha256.hpp"

namespace hilum::config {
namespace {

// "dir/exp.toml:12:3" -> {"dir/exp.toml", 12, 3}; a place without numbers keeps its text.
std::tuple<std::string, int, int> parts_of(const std::string& where) {
  if (where.starts_with(kCommandLine)) return {where, 0, 0};
  const auto last = where.rfind(':');
  const auto first = last == std::string::npos || last == 0 ? last : where.rfind(':', last - 1);
  if (first == std::string::npos) return {where, 0, 0};
  int line = 0, column = 0;
  std::from_chars(where.data() + first + 1, where.data() + last, line);
  std::from_chars(where.data() + last + 1, where.data() + where.size(), column);
  return {where.substr(0, first), line, column};
}

Strings table_names(const Node& root) {
  Strings names;
  for (const auto& section : sections()) names.push_back(section.name);
  for (const auto* kind : {"backbone", "fusion", "head"}) names.emplace_back(kind);
  // Of two equally near names the one that the file does not have yet is meant.
  std::stable_partition(names.begin(), names.end(),
                        [&](const std::string& name) { return !root.find(name); });
  return names;
}

// The section that has the key which stands at the top: epochs -> train.epochs.
std::string home_of(const std::string& key) {
  for (const auto& section : sections())
    for (const auto& parameter : section.parameters)
      if (parameter.name == key) return " Did you mean '" + section.name + "." + key + "'?";
  return "";
}

}  // namespace

Values as_typed(Values values, const std::vector<Parameter>& parameters) {
  for (const auto& parameter : parameters) {
    const auto found = values.find(parameter.name);
    if (found == values.end() || !found->second.where.starts_with(kCommandLine)) continue;
    const bool text = std::holds_alternative<std::string>(parameter.fallback);
    const bool scalar = found->second.data.index() <= Data(0.0).index();
    if (text && scalar)
      found->second.data = found->second.where.substr(found->second.where.find('=') + 1);
  }
  return values;
}

Reader::Reader(const Document& document) {
  experiment.file = document.file;
  experiment.document = document;
}

void Reader::problem(const std::string& where, const std::string& message, bool unknown) {
  problems_.push_back({where, message, unknown});
}

void Reader::check_top() {
  const Node& root = experiment.document.root;
  const Strings known = table_names(root);
  for (const auto& child : root.children) {
    const bool is_known = std::find(known.begin(), known.end(), child.key) != known.end();
    const std::string home = child.data ? home_of(child.key) : "";
    if (!is_known)
      problem(child.where,
              std::string("unknown ") + (child.data ? "key '" : "table '") + child.key + "'." +
                  (home.empty() ? suggestion(child.key, known) : home),
              true);
    else if (child.data)
      problem(child.where,
              "'" + child.key + "' is a table. Write [" + child.key + "] above its keys");
  }
}

void Reader::flatten(const Node& table, const std::string& prefix, const std::string& what,
                     const std::vector<Parameter>& parameters, Values& values) {
  for (const auto& child : table.children) {
    const std::string name = prefix + child.key;
    const bool inner = is_table_of(parameters, name);
    if (child.data && !inner) {
      values[name] = {*child.data, child.where};
    } else if (child.data) {
      problem(child.where, what + ": '" + name + "' is a table, not a value");
    } else if (inner) {
      flatten(child, name + ".", what, parameters, values);
    } else {
      Strings names = names_of(parameters);
      for (const auto& parameter : parameters)
        if (const auto dot = parameter.name.find('.'); dot != std::string::npos)
          names.push_back(parameter.name.substr(0, dot));
      const bool value = std::find(names.begin(), names.end(), name) != names.end();
      problem(child.where,
              value ? what + ": '" + name + "' is a value, not a table"
                    : what + ": unknown table '" + name + "'." + suggestion(name, names),
              !value);
    }
  }
}

void Reader::add_entries(const std::string& path, const std::vector<Parameter>& parameters,
                         const Values& values) {
  Problems reported_elsewhere;
  const auto data = check(parameters, values, path, reported_elsewhere);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto found = values.find(parameters[i].name);
    entries.push_back({path + "." + parameters[i].name, parameters[i], data[i],
                       found == values.end() ? "" : found->second.where});
  }
}

template <class Options>
Options Reader::section(const std::string& name) {
  const auto schema = Options::schema();
  const Node* table = experiment.document.root.find(name);
  Values values;
  if (table) flatten(*table, "", name, schema.parameters, values);
  values = as_typed(std::move(values), schema.parameters);
  add_entries(name, schema.parameters, values);
  return schema.parse(values, name, table ? table->where : experiment.file.string(), problems_);
}

void Reader::load_lookup(const MakeLookup& make_lookup) {
  try {
    lookup_ = make_lookup(experiment.plugins);
  } catch (const Error& error) {
    const Node* plugins = experiment.document.root.find("plugins");
    const Node* registries = plugins ? plugins->find("registries") : nullptr;
    if (error.fault == Fault::request)
      problem(registries ? registries->where : "", error.what());
    else
      broken_plugin_ = std::current_exception();
  }
}

void Reader::check_data(const std::string& key, const std::function<void()>& look) {
  try {
    look();
  } catch (const Error& error) {
    const Node* data = experiment.document.root.find("data");
    const Node* node = data ? data->find(key) : nullptr;
    problem(node ? node->where : experiment.file.string(), error.what());
  }
}

void Reader::read(const MakeLookup& make_lookup) {
  check_top();
  const bool strange_tables = !problems_.empty();
  experiment.experiment = section<ExperimentOptions>("experiment");
  experiment.plugins = section<PluginOptions>("plugins");
  const size_t before = problems_.size();
  experiment.data = section<DataOptions>("data");
  if (problems_.size() == before) {
    check_data("val", [&] { validation(experiment.data); });
    check_data("channels", [&] { channels(experiment.data); });
  }
  experiment.train = section<TrainOptions>("train");
  load_lookup(make_lookup);
  experiment.backbones = parts<Backbone>("backbone");
  experiment.fusions = parts<Fusion>("fusion");
  experiment.heads = parts<Head>("head");
  // Under a mistyped table stand parts that seem to be missing: saying so would bury the cause.
  if (!strange_tables) {
    const auto file = experiment.file.string();
    if (experiment.backbones.empty()) problem(file, "there is no backbone. Add [backbone.NAME]");
    if (experiment.heads.empty()) problem(file, "there is no head. Add [head.NAME]");
    check_references(experiment, problems_);
  }
  finish();
  for (const auto& entry : entries) experiment.parameters.emplace_back(entry.key, entry.value);
}

// In the order of the file; what a base file says tells how it came in.
void Reader::finish() {
  const std::string own = experiment.file.string();
  for (auto& [where, message, unknown] : problems_) {
    const auto [file, line, column] = parts_of(where);
    if (line > 0 && file != own) message += " (" + own + " extends this file.)";
  }
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return parts_of(a.where) < parts_of(b.where);
  });
  throw_if_any(problems_);
  if (broken_plugin_) std::rethrow_exception(broken_plugin_);
}

Experiment read(const Document& document, const MakeLookup& make_lookup) {
  Reader reader(document);
  reader.read(make_lookup);
  return std::move(reader.experiment);
}

std::string Experiment::hash() const {
  util::Sha256 sum;
  for (const auto& [key, value] : parameters)
    if (!changes_no_result(key)) sum.add(key + " = " + to_text(value) + "\n");
  return sum.hex();
}

}  // namespace hilum::config
