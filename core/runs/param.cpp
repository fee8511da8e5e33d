// SPDX-License-Identifier: Apache-2.0
#include "core/runs/param.hpp"

#include <charconv>

namespace hilum::runs {

std::optional<double> as_number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::string stored_value(const NewRun::Param& param) {
  const std::string& text = param.value;
  if (param.type != "string" || text.size() < 2 || text.front() != '"' || text.back() != '"')
    return text;
  std::string out;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

}  // namespace hilum::runs
