// SPDX-License-Identifier: Apache-2.0
#include "core/train/test_split.hpp"

#include "core/train/evaluate.hpp"
#include "core/train/mask_folder.hpp"
#include "core/train/record.hpp"

namespace hilum::train {

void test(const Setup& setup, const DataSetup& data, runs::Store& store, const runs::Run& run,
          int64_t step, int64_t epoch, Progress& progress) {
  if (data.split.test.empty()) return;
  const auto folder = run.folder / "predictions" / "test";
  MaskFolder masks(folder);
  const data::Sampler sampler(data.set, data.split.test, setup.experiment.data,
                              setup.experiment.experiment.seed, false);
  const auto evaluation = evaluate(
      *setup.model, sampler, setup.compute, setup.experiment.train.batch,
      {.tick = [&](int64_t done, int64_t total) { progress.bar("test", done, total, 0); },
       .mask = [&](const data::Region& region, const std::string& output,
                   const std::vector<float>& probability,
                   double threshold) { masks.add(region, output, probability, threshold); }});
  if (masks.keep()) store.add_artifact(run.id, "predictions", folder);
  record_evaluation(store, run.id, "test", step, epoch, evaluation);
  for (const auto& text : evaluation.undefined) progress.line("not defined: test." + text);
}

}  // namespace hilum::train
