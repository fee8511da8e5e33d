// SPDX-License-Identifier: Apache-2.0
#include "core/runs/steps/compare_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>

namespace hilum::runs {
namespace {

std::string place_text(const StepLine& a, const StepLine& b) {
  if (a.place() == b.place())
    return fmt::format("the steps done after this batch: {} against {}", a.step, b.step);
  return fmt::format("the length of an epoch: there it is epoch {}, batch {}", b.epoch, b.batch);
}

// Both took them, all of them or the same part.
bool both_have_weights(const StepLine& a, const StepLine& b) {
  const auto part = [](const StepLine& l) { return l.weights.substr(0, l.weights.find(':') + 1); };
  return !a.weights.empty() && !b.weights.empty() && part(a) == part(b);
}

// "the same cases, images, losses and weights, bit for bit"
std::string same(const StepsComparison& c) {
  if (c.weights == 0)
    return "the same cases, images and losses, bit for bit (no weights that both recorded)";
  if (c.weights == c.batches - c.accumulated)
    return "the same cases, images, losses and weights, bit for bit";
  return fmt::format(
      "the same cases, images and losses, and the same weights after the {} of them where both "
      "recorded them, bit for bit",
      c.weights);
}

}  // namespace

std::optional<StepPart> difference(const StepLine& a, const StepLine& b) {
  if (a.place() != b.place() || a.step != b.step) return StepPart::place;
  if (a.cases != b.cases) return StepPart::cases;
  if (a.values != b.values) return StepPart::values;
  if (std::bit_cast<uint64_t>(a.loss) != std::bit_cast<uint64_t>(b.loss)) return StepPart::loss;
  if (both_have_weights(a, b) && a.weights != b.weights) return StepPart::weights;
  return {};
}

std::string to_text(StepPart part, const StepLine& a, const StepLine& b) {
  switch (part) {
    case StepPart::place:
      return place_text(a, b);
    case StepPart::cases:
      return "the cases, or their order";
    case StepPart::values:
      return "the images or targets; the cases are the same";
    case StepPart::loss:
      return fmt::format("the loss: {} against {}; cases and images are the same", a.loss, b.loss);
    case StepPart::weights:
      return "the weights after it; cases, images and loss are the same";
  }
  return "";
}

const char* name_of(StepPart part) {
  static constexpr const char* kNames[] = {"place", "cases", "values", "loss", "weights"};
  return kNames[static_cast<size_t>(part)];
}

std::vector<StepLine> final_lines(const Steps& steps) {
  std::map<std::pair<int64_t, int64_t>, const StepLine*> last;
  for (const auto& line : steps.lines) last[line.place()] = &line;
  std::vector<StepLine> lines;
  lines.reserve(last.size());
  for (const auto& [place, line] : last) lines.push_back(*line);
  return lines;
}

int64_t step_of(const std::vector<StepLine>& lines, size_t index) {
  const int64_t before = index == 0 ? 0 : lines[index - 1].step;
  return std::max(lines[index].step, before + 1);
}

StepsComparison compare_steps(const Steps& first, const Steps& second) {
  const auto a = final_lines(first), b = final_lines(second);
  StepsComparison c{.first_steps = a.empty() ? 0 : a.back().step,
                    .second_steps = b.empty() ? 0 : b.back().step,
                    .first_batches = a.size(),
                    .second_batches = b.size()};
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (const auto part = difference(a[i], b[i])) {
      c.difference = {*part, step_of(a, i), a[i], b[i]};
      break;
    }
    ++c.batches;
    c.weights += both_have_weights(a[i], b[i]);
    c.accumulated += a[i].step == c.steps;
    c.steps = a[i].step;
  }
  return c;
}

std::optional<StepsComparison> compare_steps_in(const std::filesystem::path& first,
                                                const std::filesystem::path& second) {
  if (!std::filesystem::exists(first / kStepsFile) || !std::filesystem::exists(second / kStepsFile))
    return {};
  return compare_steps(read_steps(first / kStepsFile), read_steps(second / kStepsFile));
}

std::string to_text(const StepsComparison& c) {
  if (c.difference)
    return fmt::format("They differ first in step {} (epoch {}, batch {}): {}.", c.difference->step,
                       c.difference->first.epoch, c.difference->first.batch,
                       to_text(c.difference->part, c.difference->first, c.difference->second));
  if (c.equal()) return fmt::format("The runs are the same in all {} steps: {}.", c.steps, same(c));
  return fmt::format(
      "The runs are the same in {} steps: {}. The {} run ends there, the other goes on "
      "to step {}.",
      c.steps, same(c), c.first_batches < c.second_batches ? "first" : "second",
      std::max(c.first_steps, c.second_steps));
}

}  // namespace hilum::runs
