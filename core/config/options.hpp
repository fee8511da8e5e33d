// SPDX-License-Identifier: Apache-2.0
// The options of the sections [experiment], [data] and [train]: defaults here, limits and help in
// options.cpp.
#pragma once
#include <string>
#include <vector>

#include "hilum/schema.hpp"

namespace hilum::config {

struct ExperimentOptions {
  std::string name = "unnamed", note;
  int64_t seed = 0;
  static Schema<ExperimentOptions> schema();
};

struct PluginOptions {
  Strings registries;  // folders or registry.toml files, relative to the experiment file
  static Schema<PluginOptions> schema();
};

struct DataOptions {
  std::string source = "phantom";       // or the folder of a ROI set
  int64_t fold = 0;                     // the fold that is tested; -1: the cases marked "test"
  std::string folds;                    // file; empty: folds.csv beside index.csv
  std::string val = "none";             // none, a fraction of the training patients, or a fold
  std::string split = "patient";        // or "lesion": marked on the run and in tables
  int64_t dims = 2;                     // 2: slices of the regions; 3: whole regions
  std::string view = "axial";           // the planes of slices, and the axis that is D
  std::vector<int64_t> roi = {64, 64};  // [H,W] or [D,H,W] voxels
  std::vector<double> window = {-1000, 400};  // HU, mapped to [0,1]
  std::vector<double> spacing;                // mm, [H,W] or [D,H,W]; empty: native
  double fill = -1000;                        // HU outside the region
  Strings channels = {"ct"};                  // what parse_channel() understands
  std::vector<int64_t> crops;                 // further inputs "x2", ...: so many times the extent
  double consensus = 0;                       // share of readers; 0: any mask value but 0
  std::string sampler = "all";                // or "balanced"
  double positives = 0.5;                     // balanced: share of slices with nodule
  std::string malignancy = "drop3";           // how a mean rating becomes 0 or 1
  int64_t workers = 1;                        // loader threads
  // [data.subset]: a small set within a large one
  int64_t subset_count = 0;  // regions; 0: the whole set
  int64_t subset_fold = 0;   // of the set's own folds, that the regions are drawn from
  double subset_test = 0.2;  // share that is marked test
  int64_t subset_folds = 5;  // that the rest is dealt to
  int64_t subset_seed = 0;
  // [data.slic]
  int64_t slic_grid = 6;           // voxels in plane between the superpixels' first centres
  double slic_compactness = 0.05;  // weight of a grid's width, as a share of the intensity window
  int64_t slic_iterations = 10;
  // [data.augment]
  bool flip = false, rotate90 = false;
  double scale = 0, shift = 0;  // intensity jitter, of the window's width
  // [data.phantom]
  int64_t count = 60, patients = 20;                      // regions and patients
  std::vector<int64_t> size = {16, 64, 64};               // [D,H,W] voxels
  std::vector<double> phantom_spacing = {2.5, 0.7, 0.7};  // mm
  double noise = 20;                                      // HU, standard deviation
  int64_t phantom_seed = 0;
  static Schema<DataOptions> schema();
};

/// What `data.val` says.
struct Validation {
  enum class Kind { none, fraction, fold } kind = Kind::none;
  double fraction = 0;  // of the training patients, in (0, 1)
  std::string fold;
};
/// Throws Error (Fault::request) where `val` is none of the three.
Validation validation(const DataOptions& options);

struct TrainOptions {
  int64_t epochs = 50, batch = 10;
  std::string optimizer = "adam";
  double lr = 1e-3, weight_decay = 0, momentum = 0.9, eps = 1e-8;
  std::vector<double> betas = {0.9, 0.999};
  int64_t accumulate = 1;             // batches whose gradients make one step
  double ema = 0;                     // decay of the weights' moving average; 0: none
  std::string schedule = "constant";  // constant, step, poly, cosine, onecycle
  double warmup = 0;                  // epochs
  double step_gamma = 0.75;
  int64_t step_every = 5;  // epochs
  double poly_power = 0.9, min_lr = 0;
  double clip = 0;                     // largest gradient norm; 0: no clipping
  std::string precision = "auto";      // auto, float32, bfloat16
  std::string channels_last = "auto";  // auto, on, off
  std::string device = "auto";         // auto, cpu, cuda, cuda:N
  int64_t threads = 0;                 // 0: every core this process may use
  Strings freeze;                      // stages or name patterns: "seg.S1", "head.mask", "cls.C*"
  bool freeze_norm = true;             // batch norms of frozen parts stay in eval mode
  std::string init;                    // "run:ID", a file, or "experiment:FILE"
  int64_t patience = 0;                // early stopping, epochs without improvement; 0: off
  double min_delta = 0;
  std::string monitor =
      "auto";  // metric of `best` and early stopping; auto: first head's main metric
  int64_t validate_every = 1;  // epochs
  bool drop_last = true;
  int64_t log_every = 0;         // steps between lines of progress; 0: one line an epoch
  std::string digests = "step";  // when steps.csv gets a digest of the weights: step, epoch, off
  static Schema<TrainOptions> schema();
};

}  // namespace hilum::config
