// SPDX-License-Identifier: Apache-2.0
// hilum plugins bench: times of one plugin, kept and compared.
#include <algorithm>
#include <iostream>
#include <memory>

#include "core/author/bench/cases.hpp"
#include "core/author/bench/compare.hpp"
#include "core/author/bench/document.hpp"
#include "core/author/bench/machine.hpp"
#include "core/author/bench/measure.hpp"
#include "core/author/bench/print.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/plugins_named.hpp"
#include "core/cli/program.hpp"
#include "core/model/alone.hpp"
#include "core/plugins/loader.hpp"
#include "core/plugins/stamp.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
using Json = nlohmann::ordered_json;

struct Request {
  std::string plugin, cases, tag, out;
  Strings set, compare;
  bench::Measuring how;
  bench::Judging judging;
  int64_t threads = 0;
  bool list = false, record = false, json = false;
};

// What a recording was asked for as, and the recording.
struct Earlier {
  std::string name;
  runs::Recording recording;
};

// Those of one plugin, which need not be found any more.
std::vector<runs::Recording> recordings_of(const std::string& text) {
  auto all = runs::recordings();
  const std::string name =
      text.ends_with(".so") ? plugins::Catalog::from_file(text).address() : text;
  std::erase_if(all, [&](const runs::Recording& r) {
    return !name.empty() && r.address() != name && r.plugin != name;
  });
  if (all.empty() && !name.empty())
    (void)named_plugins(plugins::Catalog(), text);  // throws where there is no such plugin
  return all;
}

void list(const Request& request) {
  const auto all = recordings_of(request.plugin);
  if (request.json) {
    Json json = Json::array();
    for (const auto& recording : all) json.push_back(bench::to_json(recording));
    std::cout << plugins::dump(json, 2) << "\n";
  } else if (all.empty()) {
    std::cout << "No recordings" << (request.plugin.empty() ? "" : " of " + request.plugin)
              << " yet: hilum plugins bench PLUGIN --record makes one.\n";
  } else {
    std::cout << bench::print(all);
  }
}

// A library's file, or the one entry of that name.
plugins::Entry entry_of(const plugins::Catalog& catalog, const std::string& text) {
  const auto found = named_plugins(catalog, text);
  return found.size() == 1 ? found.front()
                           : catalog.find(found.front().kind, found.front().name);  // throws
}

Values options_of(const Plugin& plugin, const Strings& set) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& text : set) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error("--set " + text + ": this sets nothing. Write --set option=value.",
                  Fault::request);
    texts.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return model::options_of(plugin, texts, "--set ");
}

// Before anything is measured, so that a wrong name costs no minutes.
runs::Recording find_earlier(const std::string& text, const runs::Recording& now) {
  if (text == "@last") {
    for (auto& recording : runs::recordings(now.address()))
      if (recording.host == now.host && recording.device == now.device) return recording;
    throw Error("--compare @last: no recording of " + now.address() + " on " + now.host + " (" +
                    now.device + ") yet. --record makes one; --list shows what there is.",
                Fault::request);
  }
  const std::filesystem::path file = text;
  if (std::filesystem::exists(file) || file.has_parent_path() || file.has_extension())
    return bench::read_recording(file);
  return runs::find_recording(text);
}

runs::Recording describe(const Request& request, const plugins::Description& d) {
  const auto machine = bench::this_machine(request.how.device, request.threads);
  runs::Recording now;
  now.kind = d.entry.kind, now.plugin = d.entry.name;
  now.version = d.declaration.version, now.sha256 = d.sha256;
  now.build = plugins::built_for(d.entry.library);
  now.host = machine.host, now.device = machine.device, now.threads = machine.threads;
  now.torch = machine.torch, now.git = machine.git, now.tag = request.tag;
  now.created = util::now();
  return now;
}

void print(const Request& request, const runs::Recording& now, const std::vector<Earlier>& earlier,
           const std::vector<bench::Comparison>& comparisons) {
  if (!request.json) {
    std::cout << bench::print(now);
    for (size_t i = 0; i < earlier.size(); ++i)
      std::cout << "\n" << bench::print(comparisons[i], earlier[i].recording, earlier[i].name);
    return;
  }
  Json json = bench::to_json(now);
  if (!earlier.empty()) json["comparisons"] = Json::array();
  for (size_t i = 0; i < earlier.size(); ++i) {
    Json one = bench::to_json(comparisons[i]);
    one["with"] = earlier[i].name;
    json["comparisons"].push_back(std::move(one));
  }
  std::cout << plugins::dump(json, 2) << "\n";
}

void measure(const Request& request) {
  plugins::Loader loader;
  const auto entry = entry_of(loader.catalog(), request.plugin);
  const auto description = loader.catalog().describe(entry);
  if (description.failure) throw plugins::error(entry, *description.failure);
  runs::Recording now = describe(request, description);
  std::vector<Earlier> earlier;
  for (const auto& text : request.compare) earlier.push_back({text, find_earlier(text, now)});
  if (request.record) (void)runs::Store();  // made, or refused, before the work

  const Plugin& plugin = loader.load(entry);
  const Values set = options_of(plugin, request.set);
  auto measured =
      bench::measure(plugin,
                     request.cases.empty() ? bench::default_cases(plugin, set)
                                           : bench::read_cases(request.cases, plugin, set),
                     request.how);
  for (const auto& reason : measured.left_out) std::cerr << "left out: " << reason << "\n";
  now.timings = std::move(measured.timings);
  if (request.record) runs::record(now);
  if (!request.out.empty())
    util::write_file(request.out, plugins::dump(bench::to_json(now), 2) + "\n");

  std::vector<bench::Comparison> comparisons;
  for (const auto& one : earlier)
    comparisons.push_back(bench::compare(one.recording, now, request.judging));
  print(request, now, earlier, comparisons);
  if (request.record && !request.json) std::cout << "recorded as " << now.id << "\n";
  std::cout.flush();
  if (std::any_of(comparisons.begin(), comparisons.end(),
                  [](const bench::Comparison& c) { return c.slower(); }))
    throw Exit{1};
}

void bench_plugin(const Request& request) {
  if (request.list) return list(request);
  if (request.plugin.empty())
    throw Error("hilum plugins bench: which plugin? Give KIND/NAME, a name or a library's file.",
                Fault::request);
  if (!request.tag.empty() && !request.record)
    throw Error("--tag is kept with a recording: give --record too.", Fault::request);
  measure(request);
}

void add_measuring(CLI::App& command, Request& r) {
  command.add_option("--cases", r.cases,
                     "TOML: [case.\"32x32\"], inputs to shapes (a = [10, 64, 32, 32]), options = "
                     "{ width = 8 }; default: sizes by the kind");
  command.add_option("--set", r.set, "options of the plugin in all cases: width=8 layers=1,2,1");
  command.add_option("--repetitions", r.how.repetitions, "samples of each time")
      ->check(CLI::Range(3, 10000))
      ->capture_default_str();
  command.add_option("--min-time", r.how.seconds, "seconds of each repetition, at least")
      ->check(CLI::Range(1e-4, 600.0))
      ->capture_default_str();
  command.add_option("--threads", r.threads, "of LibTorch; default: as in training")
      ->check(CLI::Range(1, 4096));
  command.add_option("--device", r.how.device, "cpu or cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
}

void add_history(CLI::App& command, Request& r) {
  command.add_flag("--record", r.record, "keep the times in the run store, table benchmark");
  command.add_option("--tag", r.tag, "a word kept with the recording");
  command
      .add_option(
          "--compare", r.compare,
          "with a FILE of -o, the ID of a recording or @last, the newest one of this plugin "
          "on this machine; may be given again")
      ->allow_extra_args(false);
  command
      .add_option("--noise", r.judging.noise,
                  "slower and faster only outside of this relative band: 0.05 takes ratios from "
                  "1/1.05 to 1.05 for noise, whatever the interval says")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command.add_flag("--anyway", r.judging.anyway,
                   "a verdict even where machine, threads, LibTorch or options differ");
  command.add_flag("--list", r.list, "only list the recordings, of PLUGIN or all");
  command.add_flag("--json", r.json, "one JSON document on stdout");
  command.add_option("-o,--out", r.out, "write the times as JSON; --compare reads it");
}

}  // namespace

void add_plugins_bench(CLI::App& plugins) {
  auto request = std::make_shared<Request>();
  auto* command = plugins.add_subcommand(kBench.name, kBench.help);
  command->add_option("PLUGIN", request->plugin,
                      "KIND/NAME, a name that one kind has, or a library's file");
  add_measuring(*command, *request);
  add_history(*command, *request);
  command->footer(
      "Each case is timed twice: forward (evaluation, no gradient) and forward+backward "
      "(training). Exit code 1 where a comparison says slower, 4 for a broken plugin. "
      "docs/bench.md "
      "has more.");
  command->callback([request] { bench_plugin(*request); });
}

}  // namespace hilum::cli
