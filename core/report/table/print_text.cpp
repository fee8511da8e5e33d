// SPDX-License-Identifier: Apache-2.0
// For a terminal, and GitHub's Markdown.
#include <algorithm>

#include "core/report/table/print_parts.hpp"
#include "core/util/text.hpp"

namespace hilum::report {
namespace {

constexpr size_t kWidth = 110;  // of a block of columns on a terminal

std::string on_terminal(const Word& word) {
  return word.kind == Word::Kind::best ? word.text + " *" : word.text;
}

size_t width(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & '\xC0') != '\x80'; }));
}

size_t width(const Group& group) {
  std::vector<size_t> widths(group.words.front().size(), 0);
  for (const auto& row : group.words)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(on_terminal(row[i])) + 2);
  size_t sum = 0;
  for (const size_t w : widths) sum += w;
  return sum;
}

// As many columns side by side as there is room for; the rest below, under the labels again.
std::string fitting(const std::vector<Word>& labels, const std::vector<Group>& groups, size_t begin,
                    size_t last) {
  size_t left = 0;
  for (const auto& word : labels) left = std::max(left, width(word.text));
  std::string text;
  while (begin < last) {
    size_t end = begin, used = left;
    while (end < last && (end == begin || used + width(groups[end]) <= kWidth))
      used += width(groups[end++]);
    std::vector<Strings> rows;
    for (const auto& row : side_by_side(labels, groups, begin, end)) {
      auto& words = rows.emplace_back();
      for (const auto& word : row) words.push_back(on_terminal(word));
    }
    text += "\n" + util::table(rows);
    begin = end;
  }
  return text;
}

std::string blocks(const std::vector<Word>& labels, const std::vector<Group>& groups) {
  std::string text;
  each_block(groups, [&](const std::string& block, size_t begin, size_t end) {
    if (!block.empty()) text += "\n" + block;
    text +=
        (block.empty() ? "" : "\n") + fitting(labels, groups, begin, end).substr(!block.empty());
  });
  return text;
}

// What Markdown would take for a mark of its own.
std::string escaped_md(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += ' ';
      continue;
    }
    if (std::string_view("|*_`<>~#\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string in_md(const Word& word) {
  const std::string text = escaped_md(word.text);
  if (word.kind == Word::Kind::best) return "**" + text + "**";
  return word.kind == Word::Kind::paper && !text.empty() ? "*" + text + "*" : text;
}

std::string md_block(const std::vector<Word>& labels, const std::vector<Group>& groups,
                     size_t begin, size_t end) {
  std::string text;
  const auto rows = side_by_side(labels, groups, begin, end);
  for (size_t r = 0; r < rows.size(); ++r) {
    text += "|";
    for (const auto& word : rows[r]) text += " " + in_md(word) + (word.text.empty() ? "|" : " |");
    text += "\n";
    if (r > 0) continue;
    text += "| --- |";
    for (size_t i = 1; i < rows[r].size(); ++i) text += " ---: |";
    text += "\n";
  }
  return text;
}

std::string md_table(const std::vector<Word>& labels, const std::vector<Group>& groups) {
  std::string text;
  each_block(groups, [&](const std::string& block, size_t begin, size_t end) {
    if (!block.empty()) text += (begin > 0 ? "\n**" : "**") + escaped_md(block) + "**\n\n";
    text += md_block(labels, groups, begin, end);
  });
  return text;
}

}  // namespace

std::string print_text(const Sheet& sheet) {
  std::string text = sheet.title + "\n";
  for (const auto& line : sheet.head) text += line + "\n";
  text += blocks(sheet.labels, sheet.groups);
  if (!sheet.compared.empty())
    text += "\n" + sheet.versus + "\n" + blocks(sheet.compared_labels, sheet.compared);
  for (const auto& [heading, lines] : sheet.notes) {
    text += "\n" + heading + "\n";
    for (const auto& line : lines) text += "  " + line + "\n";
  }
  return text;
}

std::string print_md(const Sheet& sheet) {
  std::string text = "## " + escaped_md(sheet.title) + "\n\n";
  const std::string command = "Command: ";  // to be copied: nothing in it is a mark
  for (const auto& line : sheet.head)
    text += "- " +
            (line.starts_with(command) ? command + "`" + line.substr(command.size()) + "`"
                                       : escaped_md(line)) +
            "\n";
  text += "\n" + md_table(sheet.labels, sheet.groups);
  if (!sheet.compared.empty())
    text += "\n### " + escaped_md(sheet.versus) + "\n\n" +
            md_table(sheet.compared_labels, sheet.compared);
  for (const auto& [heading, lines] : sheet.notes) {
    text += "\n### " + escaped_md(heading) + "\n\n";
    for (const auto& line : lines) text += "- " + escaped_md(line) + "\n";
  }
  return text;
}

}  // namespace hilum::report
