// SPDX-License-Identifier: Apache-2.0
// Are two runs the same: their options, every step, the figures of their tests?
#pragma once
#include "core/runs/again/compare_figures.hpp"
#include "core/runs/again/drift.hpp"
#include "core/runs/steps/compare_steps.hpp"

namespace hilum::runs {

struct TrainingsComparison {
  Details first, second;
  std::vector<ChangedParam> options;  // was: of the first, now: of the second
  StepsComparison steps;
  FigureComparison figures;           // of the split "test"
  std::vector<std::string> problems;  // sentences: a run's own record does not hold
  /// In all steps and figures. Options that made no difference do not count.
  bool equal() const { return steps.equal() && figures.equal(); }
  bool holds() const { return equal() && problems.empty(); }
};
/// Throws Error (request) where both are one run, or one has no record of its steps.
TrainingsComparison compare_trainings(const Reader& reader, const std::string& first,
                                      const std::string& second);
std::string to_text(const TrainingsComparison& comparison);
std::string to_json(const TrainingsComparison& comparison);

}  // namespace hilum::runs
