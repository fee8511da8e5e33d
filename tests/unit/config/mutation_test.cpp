// SPDX-License-Identifier: Apache-2.0
// Every key of a typical experiment, wrong by one letter: the program must say which line and which
// key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "sample.hpp"

namespace {
using hilum::Strings;
using namespace hilum::testing;

struct Key {
  size_t offset, line;
  std::string name;
};

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Keys and table names; not the names that a researcher chooses (cls, seg, combine, ...).
std::vector<Key> keys_of(const std::string& text) {
  const std::set<std::string> chosen = {"cls", "seg", "combine", "nodule", "mask"};
  std::vector<Key> keys;
  size_t line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = text.find('\n', begin);
    const bool table = text[begin] == '[';
    const size_t stop = table ? text.find(']', begin) : std::min(text.find(" =", begin), end);
    for (size_t i = begin; i < stop;) {
      size_t j = i;
      while (j < stop && is_letter(text[j])) ++j;
      const auto word = text.substr(i, j - i);
      if (!word.empty() && !chosen.contains(word)) keys.push_back({i, line, word});
      i = j + 1;
    }
    begin = end + 1;
  }
  return keys;
}

// All deletions and swaps; at each place three letters, others from place to place, and the ones
// that plurals and doubled letters add.
std::set<std::string> mutations(const std::string& word) {
  std::set<std::string> all;
  const std::string letters = "abcdefghijklmnopqrstuvwxyz_";
  for (size_t i = 0; i <= word.size(); ++i)
    for (const char c : {letters[(7 * i + word.size()) % 27], letters[(11 * i + 5) % 27],
                         letters[(5 * i + 17) % 27], 's', i > 0 ? word[i - 1] : word[0]}) {
      all.insert(word.substr(0, i) + c + word.substr(i));
      if (i < word.size()) all.insert(word.substr(0, i) + c + word.substr(i + 1));
    }
  for (size_t i = 0; i < word.size(); ++i) {
    if (word.size() > 1) all.insert(word.substr(0, i) + word.substr(i + 1));
    if (i + 1 < word.size()) {
      std::string swapped = word;
      std::swap(swapped[i], swapped[i + 1]);
      all.insert(swapped);
    }
  }
  all.erase(word);
  return all;
}

bool names_line_and_key(const std::string& message, const Key& key) {
  const auto first = message.substr(0, message.find('\n'));
  const bool line = first.starts_with("exp.toml:" + std::to_string(key.line) + ":");
  const auto meant = first.find("Did you mean '");
  if (!line || meant == std::string::npos) return false;
  const auto begin = meant + 14;
  const auto suggested = first.substr(begin, first.find('\'', begin) - begin);
  return suggested == key.name || suggested.ends_with("." + key.name);
}

TEST(Mutation, TheSampleItselfIsRight) { EXPECT_EQ(problems_of(kSample), ""); }

TEST(Mutation, AKeyWrongByOneLetterIsRefusedWithItsLineAndTheRightKey) {
  const std::string text = kSample;
  const auto keys = keys_of(text);
  ASSERT_GT(keys.size(), 50u);
  size_t count = 0, right = 0;
  Strings wrong;
  for (const auto& key : keys) {
    for (const auto& mutation : mutations(key.name)) {
      const auto changed = std::string(text).replace(key.offset, key.name.size(), mutation);
      const auto message = problems_of(changed);
      ++count;
      EXPECT_NE(message, "") << key.name << " -> " << mutation << " in line " << key.line;
      if (names_line_and_key(message, key))
        ++right;
      else if (wrong.size() < 20)
        wrong.push_back(key.name + " -> " + mutation + ": " + message);
    }
  }
  RecordProperty("mutations", static_cast<int>(count));
  EXPECT_GE(static_cast<double>(right), 0.95 * static_cast<double>(count))
      << right << " of " << count << "\n"
      << hilum::join(wrong, "\n");
}

}  // namespace
