// SPDX-License-Identifier: Apache-2.0
// A training of a second on phantoms, in a folder with a run store of its own.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/train/checkpoint.hpp"
#include "core/train/trainer.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::train {

using Weights = std::map<std::string, Tensor>;

// No batch norm, and losses that are means over the batch: the gradient of 8 samples is the mean of
// those of 4 and 4.
inline const std::string kStudy = R"(
[experiment]
name = "study"
[data]
source = "phantom"
roi = [16, 16]
val = "none"
workers = 0
[data.phantom]
count = 10
patients = 5
size = [8, 16, 16]
[backbone.a]
plugin = "test_plain"
[head.nodule]
plugin = "test_nodule"
on = "a.S1"
[head.mask]
plugin = "test_mask"
on = "a.S1"
[head.mask.regularizer]
plugin = "test_smooth"
[train]
epochs = 2
batch = 8
optimizer = "sgd"
momentum = 0
lr = 0.5
precision = "float32"
threads = 1
)";

class Trained : public ::testing::Test {
 protected:
  Trained() : out_(std::tmpfile()), progress_(out_), store_(store_folder()) { kit::use_parts(); }
  ~Trained() override { std::fclose(out_); }

  using Change = std::function<void(hilum::train::Setup&)>;
  static void late(hilum::train::Setup& setup) { setup.compute.late = true; }  // as on a GPU

  // The run of kStudy with overrides.
  RunResult train(const Strings& overrides, const Change& change = {}) {
    const auto file = folder_.write("exp.toml", kStudy);
    auto setup = prepare(config::Document::load(file, overrides));
    if (change) change(setup);
    return run(std::move(setup), store_, progress_);
  }
  std::filesystem::path store_folder() const { return folder_.path() / "runs"; }
  static Checkpoint last(const RunResult& run) { return Checkpoint::load(run.folder / "last.pt"); }
  static double difference(const Weights& a, const Weights& b) {
    double most = 0;
    for (const auto& [name, t] : a)
      if (t.is_floating_point()) most = std::max(most, (t - b.at(name)).abs().max().item<double>());
    return most;
  }

  kit::Folder folder_;
  std::FILE* out_;
  Progress progress_;
  runs::Store store_;
};

}  // namespace hilum::train
