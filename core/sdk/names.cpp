// SPDX-License-Identifier: Apache-2.0
#include "hilum/names.hpp"

#include <algorithm>
#include <cctype>

namespace hilum {
namespace {

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost 1.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = std::tolower(a[i - 1]) == std::tolower(b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const Strings& known) {
  std::string best;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const auto& name : known) {
    const size_t d = distance(word, name);
    if (d < least) least = d, best = name;
  }
  return best;
}

std::string suggestion(std::string_view word, const Strings& known) {
  std::string text;
  if (const auto near = nearest(word, known); !near.empty()) text = " Did you mean '" + near + "'?";
  if (!known.empty() && known.size() < 10) {
    Strings sorted = known;
    std::sort(sorted.begin(), sorted.end());
    text += " Known: " + join(sorted, ", ") + ".";
  }
  return text;
}

std::string join(const Strings& words, std::string_view separator) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : std::string(separator)) + word;
  return text;
}

bool is_name(std::string_view text) {
  const auto letter = [](unsigned char c) { return std::isalpha(c) || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](unsigned char c) { return letter(c) || std::isdigit(c) || c == '-'; });
}

}  // namespace hilum
