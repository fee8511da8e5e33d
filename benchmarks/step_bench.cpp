// SPDX-License-Identifier: Apache-2.0
// Ours in benchmarks/bench_peers.py: does what a line of its standard input says, answers with a
// line of JSON, and waits for the next one without using a core.
//   step_bench model EXPERIMENT.toml BATCH.safetensors [a.b=v ...]
//   step_bench regularizer NAME INPUTS.safetensors [option=value ...]
//   step_bench metrics MASKS.safetensors
// Lines: train N, infer N: {"ms": [of each], "loss": [of each], "cpu": cores in use}; check FILE:
// writes what must equal the peer's; rss: {"mb", "peak_mb"}.
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "benchmarks/step/work.hpp"
#include "core/model/safetensors.hpp"
#include "core/util/heap.hpp"

namespace hilum::bench {

double Work::train() { throw Error("train: there is nothing to train here", Fault::request); }

Tensor tensor_of(const Named& file, const std::string& name) {
  const auto found = file.find(name);
  if (found != file.end()) return found->second;
  Strings there;
  for (const auto& [other, tensor] : file) there.push_back(other);
  throw Error("the file has no tensor '" + name + "'; it has " + join(there, ", "), Fault::data);
}

namespace {
using nlohmann::json;

int64_t count(const std::string& text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos)
    throw Error("'" + text + "' is no number of times", Fault::request);
  return std::stol(text);
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

json repeat(Work& work, bool train, int64_t times) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> ms, loss;
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  for (int64_t i = 0; i < times; ++i) {
    const auto begin = Clock::now();
    if (train)
      loss.push_back(work.train());
    else
      work.infer();
    ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  const double wall = std::chrono::duration<double>(Clock::now() - start).count();
  return {{"ms", ms}, {"loss", loss}, {"cpu", (cpu_seconds() - cpu) / wall}};
}

json memory() {
  json sizes;
  std::ifstream status("/proc/self/status");
  for (std::string name, kilobytes; status >> name && std::getline(status, kilobytes);)
    if (name == "VmHWM:" || name == "VmRSS:")
      sizes[name == "VmHWM:" ? "peak_mb" : "mb"] = std::stod(kilobytes) / 1024;
  return sizes;
}

json answer(Work& work, const std::string& line) {
  std::istringstream words(line);
  std::string command, rest;
  words >> command >> rest;
  if (command == "train" || command == "infer")
    return repeat(work, command == "train", count(rest));
  if (command == "rss") return memory();
  if (command != "check" || rest.empty())
    throw Error("'" + line + "': allowed are train N, infer N, check FILE, rss", Fault::request);
  model::write_safetensors(rest, work.check());
  return {{"file", rest}};
}

std::unique_ptr<Work> make(const Strings& words) {
  const auto from = [&](size_t first) {
    return Strings(words.begin() + static_cast<std::ptrdiff_t>(first), words.end());
  };
  if (words.size() >= 3 && words[0] == "model") return model_work(words[1], from(3), words[2]);
  if (words.size() >= 3 && words[0] == "regularizer")
    return regularizer_work(words[1], from(3), words[2]);
  if (words.size() == 2 && words[0] == "metrics") return metrics_work(words[1]);
  throw Error(
      "step_bench model EXPERIMENT.toml BATCH.safetensors [a.b=v ...]\n"
      "step_bench regularizer NAME INPUTS.safetensors [option=value ...]\n"
      "step_bench metrics MASKS.safetensors",
      Fault::request);
}

int serve(const Strings& words) {
  const auto work = make(words);
  std::cout << json{{"about", work->about()}} << std::endl;
  for (std::string line; std::getline(std::cin, line);) try {
      std::cout << answer(*work, line) << std::endl;
    } catch (const std::exception& error) {
      std::cout << json{{"error", error.what()}} << std::endl;
    }
  return 0;
}

}  // namespace
}  // namespace hilum::bench

int main(int argc, char** argv) {
  if (std::getenv("GLIBC_TUNABLES") == nullptr) {  // as `hilum` does before it computes
    hilum::util::keep_heap();
    execv("/proc/self/exe", argv);
  }
  try {
    return hilum::bench::serve({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
