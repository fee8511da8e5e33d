// SPDX-License-Identifier: Apache-2.0
#include "core/runs/steps/recorded_steps.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hilum/error.hpp"

namespace hilum::runs {
namespace {

std::string why_none(const Details& run) {
  const auto evaluated = param(run, "evaluation.runs"), digests = param(run, "train.digests");
  if (!evaluated.empty()) return "it is an evaluation of " + evaluated + " and trained nothing";
  if (digests == "off") return "it was trained with train.digests = \"off\"";
  if (digests.empty()) return "it was trained by an older Hilum";
  if (run.metrics.empty()) return "it has trained nothing yet";
  return std::string(kStepsFile) + " is gone from " + run.folder.string();
}

[[noreturn]] void refuse(const Details& run) {
  const bool trained = param(run, "evaluation.runs").empty() && !run.metrics.empty();
  throw Error(fmt::format("run {} has no record of its steps: {}. Nothing can be verified.{}",
                          run.id, why_none(run),
                          trained ? " `hilum runs rerun " + run.short_id +
                                        "` trains it again and compares the figures."
                                  : ""),
              Fault::request);
}

}  // namespace

std::string param(const Details& run, const std::string& key) {
  for (const auto& p : run.params)
    if (p.key == key) return p.value;
  return "";
}

std::string title(const Details& run) {
  return fmt::format("run {} ({}, {})", run.id, run.name, run.status);
}

Steps recorded_steps(const Details& run) {
  const auto file = run.folder / kStepsFile;
  if (!std::filesystem::exists(file)) refuse(run);
  auto steps = read_steps(file);
  if (steps.lines.empty()) refuse(run);
  return steps;
}

StepsReview review_steps(const Reader& reader, const Details& run, const Steps& steps) {
  const bool logged = std::any_of(run.metrics.begin(), run.metrics.end(),
                                  [](const auto& m) { return m.first == "train.loss"; });
  return review_steps(steps, logged ? reader.curves(run.id, {"train.loss"}).at(0) : Curve());
}

}  // namespace hilum::runs
