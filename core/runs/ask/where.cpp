// SPDX-License-Identifier: Apache-2.0
// --where as SQL. Text of the user's never enters the SQL: it is bound to a '?'.
#include "core/runs/ask/where.hpp"

#include <algorithm>

namespace hilum::runs {
namespace {

using Kind = Meaning::Kind;

const Strings kStatuses = {"running", "done", "failed", "interrupted", "crashed"};

class Translator {
 public:
  Translator(const Asked& asked, const KnownNames& known) : asked_(asked), known_(known) {}
  Sql result;

  void add(const Expression& e) {
    switch (e.kind) {
      case Expression::Kind::comparison:
        return compare(e.comparison);
      case Expression::Kind::negation:
        result.add("NOT ");
        [[fallthrough]];
      case Expression::Kind::conjunction:
        return chain(e.children, " AND ");
      case Expression::Kind::disjunction:
        return chain(e.children, " OR ");
    }
  }

 private:
  void chain(const std::vector<Expression>& children, const char* word) {
    result.add("(");
    for (size_t i = 0; i < children.size(); ++i) {
      if (i > 0) result.add(word);
      add(children[i]);
    }
    result.add(")");
  }

  void compare(const Comparison& c) {
    const Meaning m = meaning_of(c, known_, asked_);
    switch (m.kind) {
      case Kind::column:
        return column(c, m.name);
      case Kind::number_column:
        return test("r." + m.name, c, true);
      case Kind::epoch:
        return test(value_of(m).text, c, true);
      case Kind::plugin:
        return member("plugin p WHERE p.run = r.id AND p.kind = '" + m.name + "'", "p.name", c);
      case Kind::tag:
        return member("tag t WHERE t.run = r.id", "t.tag", c);
      case Kind::metric:
        return metric(c, m);
      case Kind::param:
        return param(c, m.name);
      case Kind::result:
        return;  // a name of --columns alone
    }
  }

  void column(const Comparison& c, const std::string& name) {
    if (name != "status") return test("r." + name, c, false);
    for (const auto& value : c.values)
      if (c.op != "like" &&
          std::find(kStatuses.begin(), kStatuses.end(), value.text) == kStatuses.end())
        throw asked_error(asked_, c.at,
                          "no status '" + value.text + "'." + suggestion(value.text, kStatuses));
    test("(" + std::string(kStatus) + ")", c, false);
  }

  // Plugins and tags, of which a run has several: = is "any is", != is "none is".
  void member(const std::string& from, const std::string& what, Comparison c) {
    if (c.op == "!=") result.add("NOT "), c.op = "=";
    result.add("EXISTS (SELECT 1 FROM " + from + " AND ");
    test(what, c, false);
    result.add(")");
  }

  void metric(const Comparison& c, const Meaning& m) {
    check_numbers(c);
    if (m.candidates.empty()) return void(result.add("0"));  // a metric that no run has
    result.add("EXISTS (").add(metric_row("1", m)).add(" AND ");
    test("f.value", c, true);
    result.add(")");
  }

  void param(const Comparison& c, const std::string& key) {
    result.add("EXISTS (SELECT 1 FROM param p WHERE p.run = r.id AND p.key = ? AND (").bind(key);
    // Each value compares as what it is: 0.001 as a number, adam or '0.001' as text.
    for (size_t i = 0; i < c.values.size(); ++i) {
      if (i > 0) result.add(" OR ");
      const bool number = c.values[i].is_number && c.op != "like";
      Comparison one{c.name, c.op == "in" ? "=" : c.op, {c.values[i]}, c.at};
      test(number ? "p.number" : "p.value", one, number);
    }
    result.add("))");
  }

  void check_numbers(const Comparison& c) const {
    if (c.op == "like")
      throw asked_error(asked_, c.at, "'" + c.name + "' is a number: like does not apply");
    for (const auto& value : c.values)
      if (!value.is_number &&
          !(c.name == "dirty" && (value.text == "true" || value.text == "false")))
        throw asked_error(
            asked_, c.at,
            "'" + c.name + "' is a number, compared with '" + value.text + "'. Give a number");
  }

  // "<what> <op> ?"; NULL is different from everything, and no larger or smaller.
  void test(const std::string& what, const Comparison& c, bool number) {
    if (number) check_numbers(c);
    result.add(what + (c.op == "in"     ? " IN ("
                       : c.op == "!="   ? " IS NOT "
                       : c.op == "like" ? " LIKE "
                                        : " " + c.op + " "));
    for (size_t i = 0; i < c.values.size(); ++i) {
      result.add(i ? ", ?" : "?");
      const Literal& value = c.values[i];
      if (!number)
        result.bind(value.text);
      else
        result.bind(value.is_number ? value.number : value.text == "true" ? 1.0 : 0.0);
    }
    if (c.op == "in") result.add(")");
  }

  const Asked& asked_;
  const KnownNames& known_;
};

// Where a head stands: one with a mask before others, then as in the experiment file. `row`: an
// alias of final_metric.
std::string place_of(const std::string& row) {
  const std::string head =
      "substr(" + row + ".name, 1, instr(" + row + ".name, '.')";  // "mask.", )
  return "(NOT EXISTS (SELECT 1 FROM final_metric d WHERE d.run = " + row +
         ".run AND d.split = " + row + ".split AND d.name = " + head +
         ") || 'dice'), coalesce((SELECT min(p.rowid) FROM " + "param p WHERE p.run = " + row +
         ".run AND p.key >= 'head.' || " + head + ") AND p.key < " + "'head.' || " + head +
         " - 1) || '/'), 9e18), " + row + ".rowid)";
}

}  // namespace

Sql& Sql::add(const Sql& other) {
  text += other.text;
  values.insert(values.end(), other.values.begin(), other.values.end());
  return *this;
}

Sql one_of(const Strings& words) {
  Sql list;
  for (const auto& word : words) list.add(list.text.empty() ? "?" : ", ?").bind(word);
  return list;
}

// Where several heads may have the metric, no other that this run has stands before.
Sql metric_row(const std::string& what, const Meaning& m) {
  Sql row{"SELECT " + what + " FROM final_metric f WHERE f.run = r.id AND f.split = ?", {m.name}};
  row.add(" AND f.name IN (").add(one_of(m.candidates)).add(")");
  if (m.candidates.size() < 2) return row;
  row.add(
      " AND NOT EXISTS (SELECT 1 FROM final_metric g WHERE g.run = f.run AND g.split = f.split AND "
      "g.name IN (");
  row.add(one_of(m.candidates)).add(") AND g.rowid != f.rowid AND ");
  return row.add(place_of("g") + " < " + place_of("f") + ")");
}

Sql condition_of(const Expression& expression, const KnownNames& known, const Asked& asked) {
  Translator translator(asked, known);
  translator.add(expression);
  return std::move(translator.result);
}

Sql value_of(const Meaning& m) {
  switch (m.kind) {
    case Kind::column:
      if (m.name == "status" || m.name == "ended")
        return {std::string("(") + (m.name == "status" ? kStatus : kEnded) + ")", {}};
      [[fallthrough]];
    case Kind::number_column:
      return {"r." + m.name, {}};
    case Kind::epoch:
      return {"(SELECT coalesce(max(f.epoch), 0) FROM final_metric f WHERE f.run = r.id)", {}};
    case Kind::plugin:
      return {
          "(SELECT group_concat(p.name, ' ') FROM (SELECT name FROM plugin WHERE run = r.id "
          "AND kind = ? ORDER BY name) p)",
          {m.name}};
    case Kind::tag:
      return {
          "(SELECT group_concat(t.tag, ',') FROM (SELECT tag FROM tag WHERE run = r.id ORDER "
          "BY tag) t)",
          {}};
    case Kind::metric:
      if (!m.candidates.empty()) return Sql{"(", {}}.add(metric_row("f.value", m)).add(")");
      break;
    case Kind::param:
      return {"(SELECT coalesce(p.number, p.value) FROM param p WHERE p.run = r.id AND p.key = ?)",
              {m.name}};
    case Kind::result:
      break;
  }
  return {"NULL", {}};
}

}  // namespace hilum::runs
