// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/util/text.hpp"

namespace hilum::bench {
namespace {
using Rows = std::vector<std::vector<std::string>>;

// Four digits: a call takes microseconds or seconds.
std::string number(double value) {
  const int digits =
      value > 0 ? std::clamp(3 - static_cast<int>(std::floor(std::log10(value))), 0, 9) : 0;
  return fmt::format("{:.{}f}", value, digits);
}
std::string ms(double seconds) { return number(1e3 * seconds); }

std::string quartiles(const runs::Timing& t) {
  return fmt::format("[{}, {}]", ms(t.low), ms(t.high));
}

// N of the first input.
double samples_of(const runs::Timing& t) {
  const auto inputs = nlohmann::ordered_json::parse(t.options).at("inputs");
  return inputs.front().at(0).get<double>();
}

std::string short_hash(const std::string& sha256) { return sha256.substr(0, 12); }

// "32x32/forward" as "32x32" and "forward".
std::pair<std::string, std::string> parts(const std::string& name) {
  const auto slash = name.rfind('/');
  return {name.substr(0, slash), slash == std::string::npos ? "" : name.substr(slash + 1)};
}

}  // namespace

std::string print(const runs::Recording& r) {
  Rows rows{{"case", "forward ms", "quartiles", "samples/s", "forward+backward ms", "quartiles",
             "samples/s"}};
  std::map<std::string, size_t> at;
  for (const auto& t : r.timings) {
    const auto [one, pass] = parts(t.name);
    if (at.try_emplace(one, rows.size()).second) rows.push_back({one, "", "", "", "", "", ""});
    auto& row = rows[at[one]];
    const size_t first = pass == "forward" ? 1 : 4;
    row[first] = ms(t.median), row[first + 1] = quartiles(t);
    row[first + 2] = number(samples_of(t) / t.median);
  }
  const size_t repetitions = r.timings.empty() ? 0 : r.timings[0].samples.size();
  return fmt::format("{} {}, library {}\n{}, {} thread{}, LibTorch {}, {} repetitions\n{}",
                     r.address(), r.version, short_hash(r.sha256), r.device, r.threads,
                     r.threads == 1 ? "" : "s", r.torch, repetitions, util::table(rows));
}

std::string print(const Comparison& comparison, const runs::Recording& then,
                  const std::string& name) {
  std::string text =
      fmt::format("compared with {}: {} {}, library {}{}{}\n", name, then.address(), then.version,
                  short_hash(then.sha256), then.created.empty() ? "" : ", of ", then.created);
  for (const auto& note : comparison.notes) text += "  note: " + note + "\n";
  Rows rows{{"case", "then ms", "now ms", "now/then", "95 % interval", "verdict"}};
  for (const auto& c : comparison.changes)
    rows.push_back({c.name, ms(c.then), ms(c.now), fmt::format("{:.3f}", c.ratio),
                    fmt::format("[{:.3f}, {:.3f}]", c.interval.low, c.interval.high),
                    to_text(c.verdict)});
  return text + util::table(rows);
}

std::string print(const std::vector<runs::Recording>& recordings) {
  Rows rows{{"id", "date", "plugin", "version", "library", "cases", "host", "device", "tag"}};
  for (const auto& r : recordings) {
    Strings cases;
    for (const auto& t : r.timings)
      if (const auto one = parts(t.name).first; cases.empty() || cases.back() != one)
        cases.push_back(one);
    rows.push_back({r.id, r.created.substr(0, 10), r.address(), r.version, short_hash(r.sha256),
                    join(cases, " "), r.host, r.device, r.tag});
  }
  return util::table(rows);
}

}  // namespace hilum::bench
