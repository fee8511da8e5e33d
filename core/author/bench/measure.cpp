// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/measure.hpp"

#include <c10/util/Exception.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "core/author/bench/google.hpp"
#include "core/metrics/statistics.hpp"

namespace hilum::bench {
namespace {

struct Ready {
  const Case* one;
  std::unique_ptr<Subject> subject;
};

// Options of all cases at once, since they are mostly wrong in the same way.
void check_options(const Plugin& plugin, const std::vector<Case>& cases) {
  Problems problems;
  const std::string title = plugin.kind + " '" + plugin.name + "'";
  for (const auto& one : cases) plugin.validate(one.options, title, one.where, problems, {});
  Problems once;  // --set is every case's
  for (auto& p : problems)
    if (std::none_of(once.begin(), once.end(), [&](const Problem& q) {
          return q.where == p.where && q.message == p.message;
        }))
      once.push_back(std::move(p));
  throw_if_any(std::move(once));
}

// Both passes once: what cannot be computed is known before minutes are spent.
std::unique_ptr<Subject> build(const Plugin& plugin, const Case& one, torch::Device device) {
  const std::string what =
      (one.where.empty() ? "" : one.where + ": ") + "case '" + one.name + "': ";
  try {
    auto subject = std::make_unique<Subject>(plugin, one, device);
    for (const auto pass : kPasses) subject->begin(pass);
    return subject;
  } catch (const Error& error) {
    throw Error(what + error.what(), error.fault);
  } catch (const c10::Error& error) {
    throw Error(what + plugin.kind + " '" + plugin.name + "': " + error.what_without_backtrace(),
                Fault::request);
  }
}

std::vector<Ready> build_all(const Plugin& plugin, const std::vector<Case>& cases,
                             torch::Device device, Strings& left_out) {
  std::vector<Ready> ready;
  for (const auto& one : cases) try {
      ready.push_back({&one, build(plugin, one, device)});
    } catch (const Error& error) {  // a default case is our choice and not the user's
      if (!one.where.empty() || error.fault != Fault::request) throw;
      left_out.emplace_back(error.what());
    }
  if (ready.empty())
    throw Error(join(left_out, "\n") + "\nNo default case fits " + plugin.kind + " '" +
                    plugin.name + "'. Write its own ones: --cases FILE.toml.",
                Fault::request);
  return ready;
}

std::string setting_of(const Case& one) {
  nlohmann::ordered_json json{{"inputs", nlohmann::ordered_json::object()},
                              {"options", nlohmann::ordered_json::object()}};
  for (const auto& [name, shape] : one.inputs) json["inputs"][name] = shape;
  for (const auto& [name, value] : one.options)
    std::visit([&, &name = name](const auto& data) { json["options"][name] = data; }, value.data);
  return json.dump();
}

runs::Timing time(const Ready& ready, Pass pass, const Measuring& how) {
  const Case& one = *ready.one;
  benchmark::ClearRegisteredBenchmarks();
  add_pass(one.name, pass, one.inputs.at(0).second.at(0),
           [&]() -> Subject& { return *ready.subject; })
      ->Repetitions(static_cast<int>(how.repetitions))
      ->MinTime(how.seconds);
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector, std::string("."));
  benchmark::ClearRegisteredBenchmarks();  // it holds what dies with this call
  runs::Timing timing{.name = one.name + "/" + to_text(pass), .options = setting_of(one)};
  timing.samples = std::move(collector.seconds);
  timing.median = metrics::percentile(timing.samples, 50);
  timing.low = metrics::percentile(timing.samples, 25);
  timing.high = metrics::percentile(timing.samples, 75);
  return timing;
}

}  // namespace

Measured measure(const Plugin& plugin, const std::vector<Case>& cases, const Measuring& how) {
  check_options(plugin, cases);
  const torch::Device device(how.device == "cuda" ? "cuda:0" : "cpu");
  Measured measured;
  for (const auto& ready : build_all(plugin, cases, device, measured.left_out))
    for (const auto pass : kPasses) try {
        measured.timings.push_back(time(ready, pass, how));
      } catch (const c10::Error& error) {
        throw Error("case '" + ready.one->name + "': " + error.what_without_backtrace());
      }
  return measured;
}

}  // namespace hilum::bench
