// SPDX-License-Identifier: Apache-2.0
// --where: a small expression language over runs, translated to SQL with bound values.
//   expr := and {"or" and}    and := not {"and" not}    not := ["not"] (comparison | "(" expr ")")
//   comparison := name (= == != < <= > >=) value | name ["not"] like value | name ["not"] in
//   (value, ...)
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "core/runs/connection.hpp"
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
Error where_error(const std::string& text, size_t at, const std::string& what);

using SqlValue = std::variant<double, std::string>;
/// A condition on table `run` under the alias `r`, with one value for each '?'.
struct Condition {
  std::string sql;
  std::vector<SqlValue> values;
};
/// Throws Error (request) for a name that neither Hilum nor the store knows. Call inside
/// Connection::read.
Condition translate_where(Connection& store, const std::string& text);

/// What the store holds, each name once, sorted: metrics as `split.name`, and parameter keys.
struct KnownNames {
  Strings metrics, params;
};
KnownNames known_names(Connection& store);
/// What a name in an expression stands for.
struct Meaning {
  enum class Kind { column, number_column, plugin, tag, metric, param } kind = Kind::column;
  std::string name;         // the column of `r`, plugin kind or parameter key; a metric's split
  Strings candidates = {};  // names of the metric; several: those of the heads that have it
};
Meaning meaning_of(const Comparison& comparison, const KnownNames& known, const std::string& text);

}  // namespace hilum::runs
