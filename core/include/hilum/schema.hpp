// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "hilum/names.hpp"

namespace hilum {

/// A value as an experiment file can hold it. The last one is a list of lists: fusion connections.
using Data = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>,
                          std::vector<double>, Strings, std::vector<Strings>>;
/// A value and where it was written: "file:line:column", or "command line: a.b=v".
struct Value {
  Data data;
  std::string where;
};
using Values = std::map<std::string, Value>;

/// One declared option: what the file may say, and what `hilum plugins info` prints.
struct Parameter {
  std::string name, help, unit;
  Data fallback;  // the default; it fixes the type
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  Strings choices = {};
  bool any_scalar = false;  // a string that may also be written as a number or a bool
};

/// What is wrong with a request. Unknown keys are reported first, since they explain the rest.
struct Problem {
  std::string where, message;
  bool unknown = false;
};
using Problems = std::vector<Problem>;

/// "integer", "number", "list of strings", ...
HILUM_API std::string type_name(const Data& data);
/// As TOML writes it: 0.5, "adam", [1, 2].
HILUM_API std::string to_text(const Data& data);
/// "[0, 1]", "one of 'adam', 'sgd'" or "" where everything of the type is allowed.
HILUM_API std::string allowed(const Parameter& parameter);

/// Types, ranges, choices and names. Returns one value a parameter, in order (the default where the
/// value is absent or wrong). `what` begins each message: "backbone 'unet'". `also_known` are keys
/// that somebody else reads at this place; they take part in suggestions.
HILUM_API std::vector<Data> check(const std::vector<Parameter>& parameters, const Values& values,
                                  const std::string& what, Problems& problems,
                                  const Strings& also_known = {});
/// All problems as one Error (Fault::request), unknown keys first; returns if there are none.
HILUM_API void throw_if_any(Problems problems);

/// Binds name -> field -> help -> limits. Options is a plain struct whose initialisers are the
/// defaults.
template <class Options>
class Schema {
 public:
  template <class T>
  Schema& add(std::string name, T Options::*field, std::string help, std::string unit = "") {
    parameters.push_back({std::move(name), std::move(help), std::move(unit), Options{}.*field});
    assign_.push_back([field](Options& o, const Data& d) { o.*field = std::get<T>(d); });
    return *this;
  }
  Schema& range(double low, double high) {
    parameters.back().low = low, parameters.back().high = high;
    return *this;
  }
  Schema& one_of(Strings choices) { return parameters.back().choices = std::move(choices), *this; }
  /// The last added option is text that may be written as a number: val = 0.2, val = 1, val =
  /// "none".
  Schema& any_scalar() { return parameters.back().any_scalar = true, *this; }
  /// A rule across options, checked after each one's own limits.
  Schema& rule(std::function<bool(const Options&)> holds, std::string otherwise) {
    return rules_.emplace_back(std::move(holds), std::move(otherwise)), *this;
  }

  /// Appends what is wrong to `problems`; `where` locates a broken rule.
  Options parse(const Values& values, const std::string& what, const std::string& where,
                Problems& problems, const Strings& also_known = {}) const {
    Options options;
    const size_t before = problems.size();
    const auto data = check(parameters, values, what, problems, also_known);
    for (size_t i = 0; i < data.size(); ++i) assign_[i](options, data[i]);
    if (problems.size() == before)
      for (const auto& [holds, otherwise] : rules_)
        if (!holds(options)) problems.push_back({where, what + ": " + otherwise});
    return options;
  }
  /// Throws Error (Fault::request) with everything that is wrong.
  Options parse(const Values& values, const std::string& what = "options") const {
    Problems problems;
    Options options = parse(values, what, "", problems);
    throw_if_any(std::move(problems));
    return options;
  }
  std::vector<Parameter> parameters;

 private:
  std::vector<std::function<void(Options&, const Data&)>> assign_;
  std::vector<std::pair<std::function<bool(const Options&)>, std::string>> rules_;
};

/// A plugin's schema without its type: all that the experiment file's checks need. No LibTorch.
struct Declaration {
  std::string kind, name, version, summary, source;  // source: the paper or page it follows
  std::vector<Parameter> parameters;
  /// (values, "backbone 'unet'", where the table is, problems, core keys of the same table)
  std::function<void(const Values&, const std::string&, const std::string&, Problems&,
                     const Strings&)>
      validate;
};

}  // namespace hilum
