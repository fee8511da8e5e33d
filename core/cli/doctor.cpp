// SPDX-License-Identifier: Apache-2.0
// hilum doctor
#include <fmt/core.h>
#include <itkVersion.h>
#include <sqlite3.h>
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"
#include "core/plugins/catalog.hpp"
#include "core/plugins/stamp.hpp"
#include "core/runs/queries.hpp"
#include "core/runs/store.hpp"
#include "core/train/compute.hpp"
#include "hilum/simd.hpp"

namespace hilum::cli {
namespace {

enum class Verdict { good, note, bad };
struct Finding {
  Verdict verdict;
  std::string what, text;
};

Finding libraries() {
  return {Verdict::good, "libraries",
          fmt::format("LibTorch {}, ITK {}, SQLite {}", TORCH_VERSION,
                      itk::Version::GetITKVersion(), sqlite3_libversion())};
}

// A convolution forward and backward: the kernels load and run, not only link.
Finding torch_works() {
  try {
    const auto x = torch::ones({1, 1, 8, 8}, torch::requires_grad());
    torch::conv2d(x, torch::ones({1, 1, 3, 3}), {}, 1, 1).sum().backward();
    const std::string unit = train::bfloat16_unit();
    const bool right = x.grad()[0][0][4][4].item<float>() == 9;
    return {
        right ? Verdict::good : Verdict::bad, "cpu",
        fmt::format("a convolution and its gradient are {}; {} threads; bfloat16 in hardware: {}",
                    right ? "right" : "WRONG", at::get_num_threads(), unit.empty() ? "no" : unit)};
  } catch (const c10::Error& error) {
    return {Verdict::bad, "cpu", error.what_without_backtrace()};
  }
}

Finding speed() {
  const char* const heap = std::getenv("GLIBC_TUNABLES");
  const bool kept = heap && std::string_view(heap).find("mmap_max=0") != std::string_view::npos;
  return {fused_kernels() && kept ? Verdict::good : Verdict::note, "speed",
          fmt::format(
              "{}; {}",
              fused_kernels() ? "kernels are used" : "LibTorch's operations alone (HILUM_FUSED=0)",
              kept ? "memory is kept between steps"
                   : "memory is given back after each step (GLIBC_TUNABLES is set)")};
}

Finding gpu() {
  if (!train::cuda_available()) return {Verdict::note, "gpu", "none; training runs on the CPU"};
  return {Verdict::good, "gpu", fmt::format("{} with CUDA", torch::cuda::device_count())};
}

void plugins(std::vector<Finding>& findings) {
  plugins::Catalog catalog;
  findings.push_back({Verdict::good, "stamp", plugins::readable(plugins::this_stamp())});
  for (const auto& place : catalog.places())
    findings.push_back({place.problem.empty() ? Verdict::good : Verdict::bad, "plugin folder",
                        place.path.string() + (place.problem.empty() ? "" : ": " + place.problem)});
  int64_t good = 0;
  for (const auto& d : catalog.describe(catalog.entries())) {
    if (!d.failure) {
      ++good;
      continue;
    }
    findings.push_back({Verdict::bad, "plugin", plugins::error(d.entry, *d.failure).what()});
  }
  findings.push_back(
      {good ? Verdict::good : Verdict::note, "plugins", fmt::format("{} can be used", good)});
}

Finding store() {
  const auto folder = runs::default_folder();
  if (!std::filesystem::exists(folder / "hilum.db"))
    return {Verdict::note, "run store", folder.string() + ": none yet; the first run makes it"};
  try {
    return {Verdict::good, "run store",
            fmt::format("{}: {} runs", folder.string(), runs::Reader(folder).count())};
  } catch (const std::exception& error) {
    return {Verdict::bad, "run store", error.what()};
  }
}

void doctor(bool json) {
  std::vector<Finding> findings{libraries(), torch_works(), speed(), gpu()};
  plugins(findings);
  findings.push_back(store());
  bool works = true;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& f : findings) {
    const char* mark = f.verdict == Verdict::good   ? "ok"
                       : f.verdict == Verdict::note ? "note"
                                                    : "BAD";
    works = works && f.verdict != Verdict::bad;
    rows.push_back({{"verdict", mark}, {"what", f.what}, {"text", f.text}});
    if (!json) fmt::print("{:<5} {:<14} {}\n", mark, f.what, f.text);
  }
  if (json)
    fmt::print("{}\n", nlohmann::ordered_json{{"works", works}, {"findings", rows}}.dump(2));
  else
    fmt::print("{}\n", works ? "everything that is installed works"
                             : "something does not work: see BAD above");
  if (!works) throw Exit{1};
}

}  // namespace

void add_doctor(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  auto* command = app.add_subcommand(
      "doctor", "what works here and what does not: libraries, devices, plugins, store");
  command->add_flag("--json", *json, "one JSON document");
  command->callback([json] { doctor(*json); });
}

}  // namespace hilum::cli
