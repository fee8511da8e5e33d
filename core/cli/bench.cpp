// SPDX-License-Identifier: Apache-2.0
// hilum bench: how fast an experiment trains on this machine, and where the time goes.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/train/step_bench.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  Strings overrides;
  train::StepBenchOptions bench;
  bool json = false;
};

std::string ms(double seconds) { return fmt::format("{:.2f}", 1e3 * seconds); }
std::string share(double part, double whole) { return fmt::format("{:.1f}", 100 * part / whole); }

void print_works(const char* what, const std::vector<train::StepWork>& works, double step) {
  std::vector<Strings> rows{{what, "ms a step", "% of a step", "calls"}};
  for (const auto& work : works)
    rows.push_back({work.kind, ms(work.seconds), share(work.seconds, step),
                    fmt::format("{:.0f}", work.calls)});
  fmt::print("\n{}", util::table(rows));
}

void print(const train::StepBench& b, const train::Setup& setup) {
  fmt::print(
      "{} of {} samples, {}, {} threads: {} ms a step [{}, {}], {:.1f} samples/s, peak {:.0f} "
      "MB\n\n",
      fmt::format("{} steps", b.steps), b.batch, setup.compute.precision(), setup.compute.threads,
      ms(b.median), ms(b.low), ms(b.high), b.samples_per_s, b.peak_bytes / 1e6);
  double step = 0;
  for (const auto& phase : b.phases) step += phase.seconds;
  std::vector<Strings> rows{{"phase", "ms a step", "% of a step"}};
  for (const auto& phase : b.phases)
    rows.push_back({phase.name, ms(phase.seconds), share(phase.seconds, step)});
  fmt::print("{}", util::table(rows));
  if (b.works.empty()) return;
  print_works("work", b.works, step);
  print_works("operator", b.ops, step);
}

Json to_json(const std::vector<train::StepWork>& works) {
  Json list = Json::array();
  for (const auto& work : works)
    list.push_back({{"name", work.kind}, {"seconds", work.seconds}, {"calls", work.calls}});
  return list;
}

Json to_json(const train::StepBench& b, const train::Setup& setup) {
  Json json{{"steps", b.steps},
            {"batch", b.batch},
            {"precision", setup.compute.precision()},
            {"threads", setup.compute.threads},
            {"device", setup.compute.device.str()},
            {"median", b.median},
            {"low", b.low},
            {"high", b.high},
            {"samples_per_s", b.samples_per_s},
            {"peak_bytes", b.peak_bytes},
            {"phases", Json::object()}};
  for (const auto& phase : b.phases) json["phases"][phase.name] = phase.seconds;
  json["work"] = to_json(b.works), json["operators"] = to_json(b.ops);
  return json;
}

void bench(const Options& o) {
  auto setup = train::prepare(config::Document::load(o.file, o.overrides));
  train::Progress progress(stderr);
  const auto result = train::bench_steps(setup, o.bench, progress);
  if (o.json)
    fmt::print("{}\n", to_json(result, setup).dump(2));
  else
    print(result, setup);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* command = app.add_subcommand("bench", "time an experiment's training step; record nothing");
  command->add_option("experiment", o->file, "the experiment file (TOML)")->required();
  command->add_option("overrides", o->overrides,
                      "a.b=v sets a key, +a.b=v adds one, ~a.b deletes one");
  command->add_option("--steps", o->bench.steps, "steps that are timed")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--warmup", o->bench.warmup, "steps before them")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command->add_flag("--profile", o->bench.profile,
                    "where the time goes: convolutions, norms, copies and casts, ...");
  command->add_flag("--json", o->json, "one JSON document on stdout; times in seconds");
  command->footer(
      "Steps as `hilum run` makes them, with its data, precision and threads. A quiet machine "
      "tells more;\n--profile makes each operator a little slower.");
  command->callback([o] { bench(*o); });
}

}  // namespace hilum::cli
