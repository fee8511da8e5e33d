// SPDX-License-Identifier: Apache-2.0
// Two trainings of the same work, batch by batch.
#pragma once
#include <optional>

#include "core/runs/steps/steps.hpp"

namespace hilum::runs {

/// What differs between two lines of one batch, in the order of cause and effect: the first is
/// told. place: epoch, batch and step themselves.
enum class StepPart { place, cases, values, loss, weights };
std::optional<StepPart> difference(const StepLine& a, const StepLine& b);
/// "the loss: 0.53125 against 0.53126; cases and images are the same".
std::string to_text(StepPart part, const StepLine& a, const StepLine& b);
/// "cases", "values", ...: a word for programs.
const char* name_of(StepPart part);

/// The batches of a training in order, each as it was made last.
std::vector<StepLine> final_lines(const Steps& steps);
/// The step that lines[index] belongs to, from 1, even if it did not complete it.
int64_t step_of(const std::vector<StepLine>& lines, size_t index);

struct StepsComparison {
  struct First {  // difference
    StepPart part;
    int64_t step = 0;  // in the first run
    StepLine first, second;
  };
  size_t batches = 0;      // equal ones, from the start
  int64_t steps = 0;       // of these batches
  size_t weights = 0;      // of these batches, those whose weights both recorded
  size_t accumulated = 0;  // of these batches, those that completed no step
  std::optional<First> difference;
  int64_t first_steps = 0, second_steps = 0;  // of each run in all
  size_t first_batches = 0, second_batches = 0;
  bool equal() const { return !difference && first_batches == second_batches; }
};
StepsComparison compare_steps(const Steps& first, const Steps& second);
/// None where one of the runs' folders has no steps.csv.
std::optional<StepsComparison> compare_steps_in(const std::filesystem::path& first,
                                                const std::filesystem::path& second);
/// One sentence: that all steps are the same, or what differs first.
std::string to_text(const StepsComparison& comparison);

}  // namespace hilum::runs
