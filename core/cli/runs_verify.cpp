// SPDX-License-Identifier: Apache-2.0
// hilum runs verify: was a run resumed exactly; are two runs the same, step by step?
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"
#include "core/runs/param.hpp"
#include "core/runs/steps/compare_trainings.hpp"
#include "core/runs/steps/recorded_steps.hpp"
#include "core/train/recorded_weights.hpp"

namespace hilum::cli {
namespace {

using Json = nlohmann::ordered_json;
using Weights = train::RecordedWeights;

const char* word_for(Weights::State state) {
  static constexpr const char* kWords[] = {"as recorded", "not recorded", "other"};
  return kWords[static_cast<size_t>(state)];
}

// best.pt may hold an average, of which no digest is recorded.
Strings checkpoints(const runs::Details& run) {
  Strings names;
  if (std::filesystem::exists(run.folder / "last.pt")) names.emplace_back("last.pt");
  const bool average = runs::as_number(runs::param(run, "train.ema")).value_or(0) > 0;
  if (!average && std::filesystem::exists(run.folder / "best.pt")) names.emplace_back("best.pt");
  return names;
}

std::string made_again(const runs::StepsReview& r) {
  if (r.resumed.empty()) return "None was made twice: the training was never resumed.";
  Strings after;
  for (const auto step : r.resumed) after.push_back(std::to_string(step));
  const auto resumed =
      fmt::format("resumed after step{} {}", after.size() > 1 ? "s" : "", join(after, ", "));
  if (r.again == 0) return fmt::format("None had to be made twice ({}).", resumed);
  return fmt::format("{} of them {} made {} ({}): {}.", r.again, r.again == 1 ? "was" : "were",
                     r.resumed.size() > 1 ? "more than once" : "twice", resumed,
                     r.again_equal ? "all equal" : "NOT all equal");
}

void print(const runs::Details& run, const runs::StepsReview& r,
           const std::vector<Weights>& weights) {
  fmt::print("{}\n", runs::title(run));
  if (run.seal == runs::Seal::fits) fmt::print("The figures are as the run left them.\n");
  if (run.seal == runs::Seal::none)
    fmt::print("The figures have no digest{}.\n",
               run.status == "done" ? ": they are from an older Hilum" : " before the run is done");
  fmt::print("{} steps in {} epoch{}{}.\n{}\n", r.steps, r.epochs, r.epochs == 1 ? "" : "s",
             r.problems.empty() ? ", every batch there" : "", made_again(r));
  for (const auto& w : weights)
    if (w.state != Weights::State::wrong) fmt::print("{}\n", w.text);
}

// "Everything holds.", or what does not.
void print(const Strings& problems) {
  constexpr size_t kShown = 10;
  if (problems.empty()) return fmt::print("Everything holds.\n");
  fmt::print("\nWhat does not hold:\n");
  for (size_t i = 0; i < std::min(kShown, problems.size()); ++i) fmt::print("  {}\n", problems[i]);
  if (problems.size() > kShown) fmt::print("  and {} more\n", problems.size() - kShown);
}

Json to_json(const runs::Details& run, const runs::StepsReview& r) {
  Json figures;
  if (run.seal != runs::Seal::none) figures = run.seal == runs::Seal::fits ? "as left" : "changed";
  return {{"run", run.id},
          {"holds", false},
          {"figures", figures},
          {"steps", r.steps},
          {"epochs", r.epochs},
          {"batches", r.batches},
          {"attempts", r.attempts},
          {"resumed_after", r.resumed},
          {"again", r.again},
          {"again_equal", r.again_equal},
          {"weights", {{"last.pt", nullptr}, {"best.pt", nullptr}}},
          {"problems", Json::array()}};
}

void verify(const runs::Reader& reader, const std::string& name, bool as_json) {
  const auto run = reader.show(name);
  const auto steps = runs::recorded_steps(run);
  const auto r = runs::review_steps(reader, run, steps);
  Strings problems = r.problems;
  if (run.seal == runs::Seal::broken)
    problems.insert(problems.begin(), "The figures in the store were CHANGED since the run ended.");
  std::vector<Weights> weights;
  auto json = to_json(run, r);
  for (const auto& file : checkpoints(run)) {
    weights.push_back(train::check_weights(run.folder / file, steps));
    json["weights"][file] = word_for(weights.back().state);
    if (weights.back().state == Weights::State::wrong) problems.push_back(weights.back().text);
  }
  json["holds"] = problems.empty(), json["problems"] = problems;
  if (as_json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    print(run, r, weights);
    print(problems);
  }
  if (!problems.empty()) throw Exit{1};
}

void compare(const runs::Reader& reader, const std::string& one, const std::string& other,
             bool as_json) {
  const auto pair = runs::compare_trainings(reader, one, other);
  fmt::print("{}", as_json ? runs::to_json(pair) : runs::to_text(pair));
  if (!pair.holds()) throw Exit{1};
}

}  // namespace

void add_runs_verify(CLI::App& runs) {
  struct Request {
    std::string run, other;
    bool json = false;
  };
  auto request = std::make_shared<Request>();
  auto* command = runs.add_subcommand(kVerify.name, kVerify.help);
  command->add_option("RUN", request->run, "Id, the start of one, name (its newest) or @last")
      ->required();
  command->add_option("OTHER", request->other, "A run to compare it with, step by step");
  command->add_flag("--json", request->json, "One JSON document on stdout");
  command->footer(
      "One run: figures as it left them, every batch recorded, steps that were made twice equal, "
      "the weights of last.pt and best.pt those of their steps.\nTwo runs: the first step in which "
      "they differ, and in what.\nExit code 1 where something differs. See docs/verify.md.");
  command->callback([request] {
    const hilum::runs::Reader reader;
    if (request->other.empty())
      verify(reader, request->run, request->json);
    else
      compare(reader, request->run, request->other, request->json);
  });
}

}  // namespace hilum::cli
