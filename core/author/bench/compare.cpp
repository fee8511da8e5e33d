// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/compare.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/metrics/statistics.hpp"
#include "core/util/random.hpp"

namespace hilum::bench {
namespace {

constexpr int kResamples = 4000;
constexpr size_t kFewest = 3;  // samples; a median of fewer says nothing about noise

double median_of_draw(const std::vector<double>& samples, util::Random& random,
                      std::vector<double>& drawn) {
  drawn.resize(samples.size());
  for (auto& value : drawn) value = samples[random.below(samples.size())];
  return metrics::percentile(drawn, 50);
}

// The two were measured apart, so each is resampled by itself.
metrics::Interval ratio_interval(const std::vector<double>& then, const std::vector<double>& now) {
  util::Random random({then.size(), now.size()});
  std::vector<double> ratios, drawn;
  for (int i = 0; i < kResamples; ++i) {
    const double before = median_of_draw(then, random, drawn);
    ratios.push_back(median_of_draw(now, random, drawn) / before);
  }
  return {metrics::percentile(ratios, 2.5), metrics::percentile(ratios, 97.5)};
}

Verdict judge(const Change& c, double noise) {
  if (c.interval.low > 1 && c.ratio > 1 + noise) return Verdict::slower;
  if (c.interval.high < 1 && c.ratio < 1 / (1 + noise)) return Verdict::faster;
  return Verdict::same;
}

const runs::Timing* find(const runs::Recording& recording, const std::string& name) {
  for (const auto& t : recording.timings)
    if (t.name == name) return &t;
  return nullptr;
}

void note_difference(Strings& notes, const char* what, const std::string& then,
                     const std::string& now) {
  if (then != now) notes.push_back(std::string(what) + " was " + then + ", is " + now);
}

Strings differences(const runs::Recording& then, const runs::Recording& now) {
  Strings notes;
  note_difference(notes, "the host", then.host, now.host);
  note_difference(notes, "the device", then.device, now.device);
  note_difference(notes, "threads", std::to_string(then.threads), std::to_string(now.threads));
  note_difference(notes, "LibTorch", then.torch, now.torch);
  return notes;
}

// The order of options on a command line is none of their meaning.
bool same_setting(const runs::Timing& a, const runs::Timing& b) {
  return nlohmann::json::parse(a.options) == nlohmann::json::parse(b.options);
}

Change change(const runs::Timing& then, const runs::Timing& now) {
  Change c{.name = now.name};
  c.then = metrics::percentile(then.samples, 50), c.now = metrics::percentile(now.samples, 50);
  c.ratio = c.now / c.then;
  c.interval = ratio_interval(then.samples, now.samples);
  return c;
}

std::string case_of(const std::string& name) { return name.substr(0, name.rfind('/')); }

Strings missing(const runs::Recording& from, const runs::Recording& in) {
  std::set<std::string> names;
  for (const auto& t : from.timings)
    if (!find(in, t.name)) names.insert("'" + case_of(t.name) + "'");
  return {names.begin(), names.end()};
}

}  // namespace

std::string to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::same:
      return "the same within noise";
    case Verdict::slower:
      return "slower";
    case Verdict::faster:
      return "faster";
    case Verdict::none:
      break;
  }
  return "none";
}

bool Comparison::slower() const {
  return std::any_of(changes.begin(), changes.end(),
                     [](const Change& c) { return c.verdict == Verdict::slower; });
}

Comparison compare(const runs::Recording& then, const runs::Recording& now, const Judging& how) {
  Comparison result{.changes = {}, .notes = differences(then, now)};
  const bool comparable = result.notes.empty() || how.anyway;
  for (const auto& after : now.timings) {
    const auto* before = find(then, after.name);
    if (!before) continue;
    Change c = change(*before, after);
    const bool same = same_setting(*before, after);
    const size_t fewest = std::min(before->samples.size(), after.samples.size());
    if (!same)
      result.notes.push_back(after.name + " was " + before->options + ", is " + after.options);
    if (fewest < kFewest)
      result.notes.push_back(after.name + " has " + std::to_string(fewest) +
                             " samples, a verdict needs 3 of both");
    else if (comparable && (same || how.anyway))
      c.verdict = judge(c, how.noise);
    result.changes.push_back(std::move(c));
  }
  const Strings gone = missing(then, now), added = missing(now, then);
  if (result.changes.empty())
    throw Error("nothing to compare: then it was " + join(gone, ", ") + ", now it is " +
                    join(added, ", ") + ". Give the same cases: --cases FILE.toml.",
                Fault::request);
  if (!gone.empty()) result.notes.push_back("only then: " + join(gone, ", "));
  if (!added.empty()) result.notes.push_back("only now: " + join(added, ", "));
  return result;
}

}  // namespace hilum::bench
