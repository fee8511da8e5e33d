// SPDX-License-Identifier: Apache-2.0
// --where as SQL. Text of the user's never enters the SQL: it is bound to a '?'.
#include "core/runs/where.hpp"

#include <algorithm>

namespace hilum::runs {
namespace {

using Kind = Meaning::Kind;

constexpr const char* kStatus = "hilum_status(r.status, r.pid, r.boot, r.heartbeat)";
const Strings kStatuses = {"running", "done", "failed", "interrupted", "crashed"};

class Translator {
 public:
  Translator(const std::string& text, KnownNames known) : text_(text), known_(std::move(known)) {}
  Condition result;

  void add(const Expression& e) {
    switch (e.kind) {
      case Expression::Kind::comparison:
        return compare(e.comparison);
      case Expression::Kind::negation:
        result.sql += "NOT ";
        [[fallthrough]];
      case Expression::Kind::conjunction:
        return chain(e.children, " AND ");
      case Expression::Kind::disjunction:
        return chain(e.children, " OR ");
    }
  }

 private:
  void chain(const std::vector<Expression>& children, const char* word) {
    result.sql += "(";
    for (size_t i = 0; i < children.size(); ++i) {
      if (i > 0) result.sql += word;
      add(children[i]);
    }
    result.sql += ")";
  }

  void compare(const Comparison& c) {
    const Meaning m = meaning_of(c, known_, text_);
    switch (m.kind) {
      case Kind::column:
        return column(c, m.name);
      case Kind::number_column:
        return test("r." + m.name, c, true);
      case Kind::plugin:
        return member("plugin p WHERE p.run = r.id AND p.kind = '" + m.name + "'", "p.name", c);
      case Kind::tag:
        return member("tag t WHERE t.run = r.id", "t.tag", c);
      case Kind::metric:
        return metric(c, m);
      case Kind::param:
        return param(c, m.name);
    }
  }

  void column(const Comparison& c, const std::string& name) {
    if (name != "status") return test("r." + name, c, false);
    for (const auto& value : c.values)
      if (c.op != "like" &&
          std::find(kStatuses.begin(), kStatuses.end(), value.text) == kStatuses.end())
        throw where_error(text_, c.at,
                          "no status '" + value.text + "'." + suggestion(value.text, kStatuses));
    test(kStatus, c, false);
  }

  // Plugins and tags, of which a run has several: = is "any is", != is "none is".
  void member(const std::string& from, const std::string& what, Comparison c) {
    if (c.op == "!=") result.sql += "NOT ", c.op = "=";
    result.sql += "EXISTS (SELECT 1 FROM " + from + " AND ";
    test(what, c, false);
    result.sql += ")";
  }

  void metric(const Comparison& c, const Meaning& m) {
    if (m.candidates.empty()) {  // a metric that no run has
      check_numbers(c);
      result.sql += "0";
      return;
    }
    result.sql +=
        "EXISTS (SELECT 1 FROM (SELECT f.value FROM final_metric f WHERE f.run = r.id AND f.split "
        "= ?";
    result.values.emplace_back(m.name);
    result.sql += " AND f.name IN (";
    for (size_t i = 0; i < m.candidates.size(); ++i) {
      result.sql += i ? ", ?" : "?";
      result.values.emplace_back(m.candidates[i]);
    }
    result.sql += ")" + std::string(m.candidates.size() > 1 ? kFirstHead : "") + ") AS f WHERE ";
    test("f.value", c, true);
    result.sql += ")";
  }

  void param(const Comparison& c, const std::string& key) {
    result.sql += "EXISTS (SELECT 1 FROM param p WHERE p.run = r.id AND p.key = ? AND (";
    result.values.emplace_back(key);
    // Each value compares as what it is: 0.001 as a number, adam or '0.001' as text.
    for (size_t i = 0; i < c.values.size(); ++i) {
      if (i > 0) result.sql += " OR ";
      const bool number = c.values[i].is_number && c.op != "like";
      Comparison one{c.name, c.op == "in" ? "=" : c.op, {c.values[i]}, c.at};
      test(number ? "p.number" : "p.value", one, number);
    }
    result.sql += "))";
  }

  void check_numbers(const Comparison& c) const {
    if (c.op == "like")
      throw where_error(text_, c.at, "'" + c.name + "' is a number: like does not apply");
    for (const auto& value : c.values)
      if (!value.is_number &&
          !(c.name == "dirty" && (value.text == "true" || value.text == "false")))
        throw where_error(
            text_, c.at,
            "'" + c.name + "' is a number, compared with '" + value.text + "'. Give a number");
  }

  // "<what> <op> ?"; NULL is different from everything, and no larger or smaller.
  void test(const std::string& what, const Comparison& c, bool number) {
    if (number) check_numbers(c);
    if (c.op == "in") {
      result.sql += what + " IN (";
    } else {
      result.sql += what + (c.op == "!="     ? " IS NOT "
                            : c.op == "like" ? " LIKE "
                                             : " " + c.op + " ");
    }
    for (size_t i = 0; i < c.values.size(); ++i) {
      result.sql += i ? ", ?" : "?";
      const Literal& value = c.values[i];
      if (!number)
        result.values.emplace_back(value.text);
      else
        result.values.emplace_back(value.is_number        ? value.number
                                   : value.text == "true" ? 1.0
                                                          : 0.0);
    }
    if (c.op == "in") result.sql += ")";
  }

  // Several heads have the metric: a head with a mask before others, then as in the experiment
  // file.
  static constexpr const char* kFirstHead = R"sql(
    ORDER BY NOT EXISTS (SELECT 1 FROM final_metric d WHERE d.run = f.run AND d.split = f.split
        AND d.name = substr(f.name, 1, instr(f.name, '.')) || 'dice'),
      coalesce((SELECT min(p.rowid) FROM param p WHERE p.run = f.run
        AND p.key >= 'head.' || substr(f.name, 1, instr(f.name, '.'))
        AND p.key < 'head.' || substr(f.name, 1, instr(f.name, '.') - 1) || '/'), 9e18),
      f.rowid LIMIT 1)sql";

  const std::string& text_;
  KnownNames known_;
};

}  // namespace

Condition translate_where(Connection& store, const std::string& text) {
  const Expression expression = parse_where(text);
  Translator translator(text, known_names(store));
  translator.add(expression);
  return std::move(translator.result);
}

}  // namespace hilum::runs
