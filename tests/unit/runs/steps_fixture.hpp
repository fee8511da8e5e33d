// SPDX-License-Identifier: Apache-2.0
// Records of a training of no randomness, four batches an epoch.
#pragma once
#include "core/runs/steps/steps.hpp"
#include "core/util/xxh3.hpp"
#include "fixture.hpp"

namespace hilum::runs {

using Lines = std::vector<StepLine>;

constexpr int64_t kBatches = 4;  // an epoch

inline std::string digest_of(const std::string& what) { return util::Xxh3().add(what).hex(); }

// A batch as a training of no randomness makes it.
inline StepLine line(int64_t epoch, int64_t batch, int64_t attempt = 1) {
  const auto name = std::to_string(epoch) + "/" + std::to_string(batch);
  return {.attempt = attempt,
          .epoch = epoch,
          .batch = batch,
          .step = (epoch - 1) * kBatches + batch,
          .cases = digest_of("cases " + name),
          .values = digest_of("values " + name),
          .loss = 1.0 / static_cast<double>(3 * epoch + batch),
          .weights = digest_of("weights " + name)};
}

inline Lines epochs(int64_t count, int64_t attempt = 1) {
  Lines lines;
  for (int64_t epoch = 1; epoch <= count; ++epoch)
    for (int64_t batch = 1; batch <= kBatches; ++batch)
      lines.push_back(line(epoch, batch, attempt));
  return lines;
}

inline std::string text_of(const Lines& lines) {
  std::string text = std::string(kStepsHeading) + "\n", check;
  for (const auto& l : lines) text += to_text(l, check) + "\n";
  return text;
}

inline Steps steps_of(const Lines& lines) { return parse_steps("steps.csv", text_of(lines)); }

// One that was killed in its third epoch, after its second checkpoint.
inline Lines resumed() {
  auto lines = epochs(2);
  lines.push_back(line(3, 1)), lines.push_back(line(3, 2));
  for (int64_t batch = 1; batch <= kBatches; ++batch) lines.push_back(line(3, batch, 2));
  return lines;
}

}  // namespace hilum::runs
