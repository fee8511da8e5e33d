// SPDX-License-Identifier: Apache-2.0
// hilum runs best
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/cli/runs_parts.hpp"
#include "core/report/runs/compare.hpp"
#include "core/runs/ask/best.hpp"
#include "core/util/fit.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Kind = report::Verdict::Kind;

struct Request : runs::BestOptions {
  bool json = false;
};

// Whether the first is better than the second, by the test cases that both have.
struct Answer {
  Kind kind = Kind::unknown;
  std::string text;
};

// "mask.dice" of "val.mask.dice": what the test's figure is called.
std::string test_name(const runs::BestRun& run) {
  return run.metric.substr(run.metric.find('.') + 1);
}

bool has_test_cases(const runs::Reader& reader, const runs::BestRun& run) {
  const auto figures = reader.show(run.id).metrics;
  const bool has = std::ranges::any_of(
      figures, [&](const auto& f) { return f.first == "test." + test_name(run); });
  return has && !reader.cases(run.id, "test").empty();
}

Answer first_against_second(const runs::Reader& reader, const runs::Best& best) {
  if (best.runs.size() < 2) return {Kind::unknown, ""};
  const auto& first = best.runs[0];
  const auto& second = best.runs[1];
  const std::string unknown = "Whether the first is better than the second cannot be said: ";
  if (test_name(first) != test_name(second))
    return {Kind::unknown,
            unknown + first.metric + " and " + second.metric + " are figures of different heads."};
  if (!has_test_cases(reader, first) || !has_test_cases(reader, second))
    return {Kind::unknown,
            unknown + "not both have a test figure " + test_name(first) + " with its cases."};
  const auto compared =
      report::compare_runs(reader, {first.id, second.id}, {.metrics = {test_name(first)}});
  for (const auto& verdict : compared.verdicts)
    if (verdict.metric == test_name(first)) {
      const char* said = verdict.kind == Kind::noise ? "The first is no winner over the second"
                         : verdict.kind == Kind::worse
                             ? "The first is better than the second on the test cases"
                         : verdict.kind == Kind::better
                             ? "On the test cases the second is better than the first"
                             : "Whether the first is better than the second cannot be said";
      return {verdict.kind, std::string(said) + ". " + verdict.text};
    }
  return {Kind::unknown, unknown + "there is nothing to compare."};
}

// Relative to where the person stands, where that is shorter.
std::string place_of(const fs::path& file) {
  if (file.empty()) return "";
  std::error_code none;
  const auto near = fs::relative(file, none);
  return none || near.empty() || *near.begin() == ".." ? file.string() : near.string();
}

// What all call it, or what was asked for where heads have other names.
std::string heading(const runs::Best& best) {
  const bool same = std::ranges::all_of(
      best.runs, [&](const auto& run) { return run.metric == best.runs[0].metric; });
  return same ? best.runs[0].metric : best.metric;
}

std::string table(const runs::Best& best) {
  const bool epochs =
      std::ranges::any_of(best.runs, [](const auto& run) { return run.logged > 1; });
  std::vector<Strings> rows{{"rank", "id", "name", "seed", "fold", heading(best)}};
  if (epochs) rows[0].push_back("epoch");
  rows[0].push_back("weights");
  for (const auto& run : best.runs) {
    rows.push_back({std::to_string(rows.size()), run.short_id, run.name, std::to_string(run.seed),
                    std::to_string(run.fold), fmt::format("{:.4g}", run.value)});
    if (epochs) rows.back().push_back(run.logged > 1 ? std::to_string(run.epoch) : "");
    rows.back().push_back(place_of(run.weights));
  }
  return util::table(util::fit(std::move(rows), util::terminal_width(), {"id", "weights"}));
}

std::string notes(const runs::Best& best, const Request& request) {
  std::string text;
  if (best.ranked > best.runs.size())
    text += fmt::format("These are the best {} of {} runs.\n", best.runs.size(), best.ranked);
  if (best.lower) text += "Lower is better.\n";
  if (best.test)
    text += fmt::format(
        "{} is a figure of the test split: what is chosen by it is chosen on the test split, and "
        "its figure is no fair estimate any more.{}\n",
        heading(best),
        request.metric.empty() ? " No run has a validation figure; data.val = 0.2 gives one." : "");
  return text;
}

std::string none_text(const runs::Best& best, const runs::Reader& reader) {
  if (reader.empty() || best.done == 0)
    return reader.empty() ? none_of(reader) : "No run that matches is done.\n";
  return fmt::format("None of {} done runs has {}. `hilum runs show RUN` lists a run's metrics.\n",
                     best.done, best.metric);
}

Json document(const runs::Best& best, const Answer& answer) {
  const char* kinds[] = {"better", "worse", "noise", "unknown"};
  Json json{{"metric", best.metric},
            {"better", best.lower ? "lower" : "higher"},
            {"test", best.test},
            {"ranked", best.ranked},
            {"runs", Json::array()}};
  for (const auto& run : best.runs)
    json["runs"].push_back(
        {{"rank", json["runs"].size() + 1},
         {"id", run.id},
         {"name", run.name},
         {"seed", run.seed},
         {"fold", run.fold},
         {"metric", run.metric},
         {"value", run.value},
         {"epoch", run.logged > 1 ? Json(run.epoch) : Json()},
         {"weights", run.weights.empty() ? Json() : Json(run.weights.string())}});
  json["second_against_first"] =
      answer.text.empty()
          ? Json()
          : Json{{"verdict", kinds[static_cast<int>(answer.kind)]}, {"text", answer.text}};
  return json;
}

void print(const Request& request) {
  const runs::Reader reader;
  const auto best = runs::best(reader, request);
  const auto answer = first_against_second(reader, best);
  if (request.json) {
    std::cout << document(best, answer).dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else if (best.runs.empty()) {
    std::cout << none_text(best, reader);
  } else {
    std::cout << table(best);
    const std::string after = notes(best, request) + answer.text;
    if (!after.empty()) std::cout << "\n" << after << (answer.text.empty() ? "" : "\n");
  }
}

}  // namespace

void add_runs_best(CLI::App& group) {
  auto* command = group.add_subcommand("best", "The best done runs by one metric");
  auto request = std::make_shared<Request>();
  command->add_option("METRIC", request->metric,
                      "dice, val.dice, test.mask.hd95; none: val.dice, or dice where nothing was "
                      "validated");
  command->add_option("--where", request->where, kWhere);
  command->add_option("--top", request->top, "The first so many; 0: all")->check(kCount);
  command->add_flag("--json", request->json, "One JSON document");
  command->footer(
      "Of validation figures the best epoch counts, of test figures the last. A difference within "
      "the noise is called so.");
  command->callback([request] { print(*request); });
}

}  // namespace hilum::cli
