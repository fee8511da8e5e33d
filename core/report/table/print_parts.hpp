// SPDX-License-Identifier: Apache-2.0
// A table as words, before a format dresses them.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/report/table/print.hpp"

namespace hilum::report {

struct Word {
  enum class Kind { plain, ours, best, paper } kind = Kind::plain;
  std::string text;
};
using Words = std::vector<std::vector<Word>>;  // rows; the first is the heading

/// Each column's figures as consecutive columns: ours, and the paper's where it has any.
struct Group {
  Words words;        // one or two words a row, heading first
  std::string block;  // of the column
};
struct Sheet {
  std::string title;
  Strings head;                       // profile, command, date, ...
  std::vector<Word> labels;           // of the rows, heading first
  std::vector<Group> groups;          // one a column
  std::string versus;                 // heading of the comparison
  std::vector<Word> compared_labels;  // as `labels`; empty: nothing to compare
  std::vector<Group> compared;
  std::vector<std::pair<std::string, Strings>> notes;  // heading, lines
};
Sheet lay_out(const TableFile& table, const Figures& figures,
              const std::vector<std::vector<RowRun>>& runs, const Context& context);

/// In the column's unit, with its digits; `sign`: with a plus, too.
std::string shown(const Column& column, double value, bool sign = false);
/// What stands below a table and which runs it rests on.
std::vector<std::pair<std::string, Strings>> notes_of(const TableFile& table,
                                                      const Figures& figures,
                                                      const std::vector<std::vector<RowRun>>& runs,
                                                      const Context& context);
/// Parts of the words side by side, the labels first.
Words side_by_side(const std::vector<Word>& labels, const std::vector<Group>& groups, size_t begin,
                   size_t end);

/// Calls visit(block, begin, end) for each run of columns of one block.
void each_block(const std::vector<Group>& groups,
                const std::function<void(const std::string&, size_t, size_t)>& visit);

std::string print_text(const Sheet& sheet);
std::string print_md(const Sheet& sheet);
std::string print_latex(const Sheet& sheet);
std::string print_csv(const TableFile& table, const Figures& figures);
std::string print_json(const TableFile& table, const Figures& figures,
                       const std::vector<std::vector<RowRun>>& runs, const Context& context);

}  // namespace hilum::report
