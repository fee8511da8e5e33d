// SPDX-License-Identifier: Apache-2.0
#include "core/config/channel.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace hilum::config {
namespace {

constexpr int64_t kFarthest = 16;  // slices
constexpr double kMost = 100000;   // HU, as for data.window

const Strings kRules = {"ct", "otsu", "otsu3", "otsu4", "slic"};

[[noreturn]] void refuse(const std::string& text, const std::string& what) {
  throw Error("data: option 'channels': value '" + text + "', " + what, Fault::request);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

// "[low,high]", brackets included.
std::array<double, 2> window_of(const std::string& text, std::string_view part) {
  const auto comma = part.find(',');
  const auto low = number<double>(trimmed(part.substr(1, comma - 1)));
  const auto high = comma == std::string_view::npos
                        ? std::nullopt
                        : number<double>(trimmed(part.substr(comma + 1, part.size() - comma - 2)));
  if (!low || !high || !(*low < *high) || std::abs(*low) > kMost || std::abs(*high) > kMost)
    refuse(text, "its window is [low,high] in HU with low below high, such as ct[-160,240].");
  return {*low, *high};
}

}  // namespace

Channel parse_channel(const std::string& text, const std::vector<double>& window) {
  Channel channel{.window = {window.at(0), window.at(1)}};
  const auto end = std::min(text.find_first_of("[+-"), text.size());
  const std::string rule = text.substr(0, end);
  if (std::find(kRules.begin(), kRules.end(), rule) == kRules.end())
    refuse(text, "which is no channel." + suggestion(rule, kRules) +
                     " Further images are columns image_<name> of index.csv and inputs of their "
                     "own name.");
  if (rule == "slic") channel.rule = Channel::Rule::slic;
  if (rule.starts_with("otsu")) {
    channel.rule = Channel::Rule::otsu;
    if (rule.size() > 4) channel.classes = rule.back() - '0';
  }
  std::string_view rest = std::string_view(text).substr(end);
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) refuse(text, "its window has no ']'.");
    channel.window = window_of(text, rest.substr(0, close + 1));
    rest.remove_prefix(close + 1);
  }
  if (rest.empty()) return channel;
  const auto offset = number<int64_t>(rest);
  const bool sign =
      rest.size() > 1 && (rest[0] == '+' || rest[0] == '-') && rest[1] >= '0' && rest[1] <= '9';
  if (!sign || !offset || *offset == 0 || std::abs(*offset) > kFarthest)
    refuse(text, "'" + std::string(rest) + "' is no neighbouring slice, allowed -16 to -1 and +1 " +
                     "to +16, such as ct-1 and ct+1.");
  channel.offset = *offset;
  return channel;
}

std::vector<Channel> channels(const DataOptions& options) {
  std::vector<Channel> all;
  for (const auto& text : options.channels) {
    const Channel channel = parse_channel(text, options.window);
    if (std::find(all.begin(), all.end(), channel) != all.end())
      refuse(text, "which stands twice. Leave one out.");
    if (channel.offset != 0 && options.dims == 3)
      refuse(text, "but with data.dims = 3 a sample holds its neighbouring slices. Leave it out.");
    all.push_back(channel);
  }
  return all;
}

}  // namespace hilum::config
