// SPDX-License-Identifier: Apache-2.0
// Names in a list: --sort and --columns.
#include <algorithm>

#include "core/runs/ask/where.hpp"

namespace hilum::runs {
namespace {

using Kind = Meaning::Kind;

// The words between commas, without blanks around them, and where each stands.
std::vector<std::pair<std::string, size_t>> words_of(const Asked& asked) {
  std::vector<std::pair<std::string, size_t>> words;
  for (size_t begin = 0; begin <= asked.text.size();) {
    const size_t end = std::min(asked.text.find(',', begin), asked.text.size());
    const size_t at = std::min(asked.text.find_first_not_of(" \t", begin), end);
    std::string word = asked.text.substr(at, end - at);
    word.erase(word.find_last_not_of(" \t") + 1);
    if (word.empty())
      throw asked_error(asked, at,
                        "a name is missing. Give names with commas between them: " +
                            std::string(asked.option == "--sort" ? "-dice,name" : "id,name,dice"));
    words.emplace_back(std::move(word), at);
    begin = end + 1;
  }
  return words;
}

Meaning meaning_in_list(const std::string& word, size_t at, const KnownNames* known,
                        const Asked& asked) {
  if (word == "tags") return {Kind::tag, word};
  if (word == "result" && asked.option == "--columns") return {Kind::result, word};
  if (!known) return {Kind::result, word};  // of an empty store nothing is ever asked
  return meaning_of({word, "", {}, at}, *known, asked);
}

}  // namespace

std::vector<Listed> parse_sort(const std::string& text, const KnownNames* known) {
  const Asked asked{text, "--sort"};
  std::vector<Listed> keys;
  for (auto [word, at] : words_of(asked)) {
    const bool descending = word.starts_with('-');
    if (descending || word.starts_with('+')) word.erase(0, 1), ++at;
    if (word.empty()) throw asked_error(asked, at, "expected a name behind the sign, as in -dice");
    keys.push_back({word, meaning_in_list(word, at, known, asked), descending});
  }
  return keys;
}

std::vector<Listed> parse_columns(const std::string& text, const KnownNames* known) {
  const Asked asked{text, "--columns"};
  std::vector<Listed> columns;
  for (const auto& [word, at] : words_of(asked)) {
    const auto same = [&, &name = word](const Listed& c) { return c.name == name; };
    if (std::none_of(columns.begin(), columns.end(), same))
      columns.push_back({word, meaning_in_list(word, at, known, asked)});
  }
  return columns;
}

}  // namespace hilum::runs
