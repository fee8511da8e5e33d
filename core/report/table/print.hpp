// SPDX-License-Identifier: Apache-2.0
// A table for people and for programs. No LibTorch.
#pragma once
#include <string>
#include <vector>

#include "core/report/table/cells.hpp"

namespace hilum::report {

enum class Format { text, md, csv, latex, json };
/// Throws Error (request) naming the formats; "" is text.
Format format_of(const std::string& name);

/// Where the figures come from.
struct Context {
  std::string profile, profile_note;
  std::string command, date, commit, machine;  // "" is left out
  bool dirty = false;                          // the commit has changes
  Strings budget;                              // what differs from the paper in this profile
};
/// `runs`: of each row, as fill() got them. Ours and the paper's figures stand in columns of their
/// own, both times the column's scale (the paper's are kept so). csv: one line a cell; latex: a
/// booktabs tabular and its notes, for a document with UTF-8 input.
std::string print(const TableFile& table, const Figures& figures,
                  const std::vector<std::vector<RowRun>>& runs, const Context& context,
                  Format format);

}  // namespace hilum::report
