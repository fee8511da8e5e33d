// SPDX-License-Identifier: Apache-2.0
// --where: a small expression language over runs, translated to SQL with bound values.
//   expr := and {"or" and}    and := not {"and" not}    not := ["not"] (comparison | "(" expr ")")
//   comparison := name (= == != < <= > >=) value | name ["not"] like value | name ["not"] in
//   (value, ...)
// --sort and --columns take the same names.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/runs/sqlite/connection.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {

/// A literal as written; `is_number` where it reads as one and was not quoted.
struct Literal {
  std::string text;
  double number = 0;
  bool is_number = false;
};
struct Comparison {
  std::string name, op;  // op: = != < <= > >= like in; "not like" is a Negation
  std::vector<Literal> values;
  size_t at = 0;  // where the name stands in the text
};
struct Expression {
  enum class Kind { comparison, negation, conjunction, disjunction } kind = Kind::comparison;
  Comparison comparison;
  std::vector<Expression> children;
};
/// Throws Error (request) that shows the text with a caret under what is wrong.
Expression parse_where(const std::string& text);

/// What a person typed, and behind which option: for errors that point into it.
struct Asked {
  std::string text, option = "--where";
};
Error asked_error(const Asked& asked, size_t at, const std::string& what);

/// What the store holds, each name once, sorted: metrics as `split.name`, and parameter keys.
struct KnownNames {
  Strings metrics, params;
};
KnownNames known_names(Connection& store);

/// What a name stands for.
struct Meaning {
  enum class Kind {
    column,
    number_column,
    epoch,
    plugin,
    tag,
    metric,
    param,
    result
  } kind = Kind::column;
  std::string name;         // the column of `r`, plugin kind or parameter key; a metric's split
  Strings candidates = {};  // names of the metric; several: those of the heads that have it
};
/// The names of comparisons. Throws Error (request) for one that neither Hilum nor the store knows.
Meaning meaning_of(const Comparison& comparison, const KnownNames& known, const Asked& asked);

/// A name of a list with commas, such as "-dice,train.lr" (--sort) or "id,dice,tags" (--columns).
struct Listed {
  std::string name;
  Meaning meaning;
  bool descending = false;
};
/// Of --sort, with an optional '-' before each name. `known` null: an empty store, whose metrics
/// and parameters cannot be known.
std::vector<Listed> parse_sort(const std::string& text, const KnownNames* known);
/// Of --columns; a name that stands twice counts once.
std::vector<Listed> parse_columns(const std::string& text, const KnownNames* known);

using SqlValue = std::variant<double, std::string>;
/// A piece of SQL with one value for each '?'. User's text is only ever among the values.
struct Sql {
  std::string text;
  std::vector<SqlValue> values;
  Sql& add(const Sql& other);
  Sql& add(const std::string& more) { return text += more, *this; }
  template <class Value>
  Sql& bind(const Value& value) {
    return values.emplace_back(value), *this;
  }
  /// Binds all values to a statement, in order; returns how many.
  template <class Statement>
  int bind_to(Statement& statement) const {
    int index = 0;
    for (const auto& value : values)
      std::visit([&](const auto& v) { statement.bind(++index, v); }, value);
    return index;
  }
};
/// "?, ?, ?" with the words as values.
Sql one_of(const Strings& words);

/// Tables and columns are those of `run` under the alias `r`.
/// The status as hilum_status tells it, which looks only at runs that say that they are running.
inline constexpr const char* kStatus =
    "CASE WHEN r.status = 'running' THEN hilum_status(r.status, r.pid, r.boot, r.heartbeat) ELSE "
    "r.status END";
/// When it ended: a crashed run, when it was last heard of.
inline constexpr const char* kEnded =
    "CASE WHEN r.status = 'running' AND hilum_status(r.status, r.pid, r.boot, r.heartbeat) = "
    "'crashed' THEN r.heartbeat ELSE r.ended END";
/// The row of final_metric that a metric's name means: SELECT `what` FROM final_metric f ...
Sql metric_row(const std::string& what, const Meaning& metric);
Sql condition_of(const Expression& expression, const KnownNames& known, const Asked& asked);
/// NULL where a run has no such value.
Sql value_of(const Meaning& meaning);

/// Ids of runs among which are all that fulfil the expression, as a SELECT; none where the index of
/// final metrics does not tell that there are at most `most`.
std::optional<Sql> few_of(Connection& store, const Expression& expression, const KnownNames& known,
                          const Asked& asked, int64_t most);

}  // namespace hilum::runs
