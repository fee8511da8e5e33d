// SPDX-License-Identifier: Apache-2.0
#include "core/config/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace hilum::config {
namespace {

constexpr double kMost = 1e9;  // more than any count that makes sense; keeps typing errors out

template <class Number>
bool reads_whole(const std::string& text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

bool all_positive(const std::vector<double>& list) {
  return std::all_of(list.begin(), list.end(), [](double v) { return v > 0; });
}

bool is_device(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return true;
  int64_t index = -1;
  return text.starts_with("cuda:") && reads_whole(text.substr(5), index) && index >= 0;
}

void add_sampling(Schema<DataOptions>& s) {
  using O = DataOptions;
  s.add("source", &O::source, "'phantom' (made in memory) or the folder of a ROI set")
      .add("fold", &O::fold, "the fold that is tested; -1: the cases marked 'test'")
      .range(-1, 1000)
      .add("folds", &O::folds, "file with columns id, fold; empty: folds.csv beside index.csv")
      .add("val", &O::val, "validation: 'none', a fraction of the training patients, or a fold")
      .any_scalar()
      .add("split", &O::split, "'lesion' allows a patient on two sides and marks the run")
      .one_of({"patient", "lesion"})
      .add("dims", &O::dims, "2: slices of the regions; 3: whole regions")
      .range(2, 3)
      .add("view", &O::view, "planes of the slices; D, H, W of roi and spacing are the view's")
      .one_of({"axial", "coronal", "sagittal"})
      .add("roi", &O::roi, "size that samples are cropped or padded to, [H, W] or [D, H, W]",
           "voxels")
      .range(1, 4096)
      .add("window", &O::window, "intensities that become 0 and 1", "HU")
      .range(-100000, 100000)
      .add("spacing", &O::spacing, "grid to resample to, [H, W] or [D, H, W]; empty: as stored",
           "mm")
      .range(0, 100)
      .add("fill", &O::fill, "intensity outside the region", "HU")
      .range(-100000, 100000)
      .add("channels", &O::channels,
           "images of a sample in their order: \"ct\", \"ct[-160,240]\", \"ct-1\", \"ct+1\", "
           "\"otsu\", \"otsu3\", \"slic\"")
      .add("crops", &O::crops,
           "further inputs of a sample: 2 is \"x2\", twice the extent around the same centre on as "
           "many voxels")
      .range(2, 16)
      .add("consensus", &O::consensus, "share of readers that makes foreground; 0: any reader")
      .range(0, 1)
      .add("sampler", &O::sampler, "'balanced' draws slices with and without nodule at a ratio")
      .one_of({"all", "balanced"})
      .add("positives", &O::positives, "share of slices with nodule where sampler is 'balanced'")
      .range(0, 1)
      .add("malignancy", &O::malignancy,
           "a mean rating of 3: left out, 0 or 1; 'raw': labels that are 0 or 1 already")
      .one_of({"drop3", "benign3", "malignant3", "raw"})
      .add("workers", &O::workers, "threads that load samples; the order does not depend on them")
      .range(0, 256);
}

void add_subset(Schema<DataOptions>& s) {
  using O = DataOptions;
  s.add("subset.count", &O::subset_count,
        "regions, whole patients of one fold, that stand for a small set; 0: the whole set")
      .range(0, kMost)
      .add("subset.fold", &O::subset_fold, "the set's fold that they are drawn from")
      .range(0, 1000)
      .add("subset.test", &O::subset_test, "share of them, whole patients, that is marked test")
      .range(0, 0.9)
      .add("subset.folds", &O::subset_folds, "folds that the rest is dealt to by patient")
      .range(2, 1000)
      .add("subset.seed", &O::subset_seed, "another seed draws other patients")
      .range(0, 9e18);
}

void add_superpixels(Schema<DataOptions>& s) {
  using O = DataOptions;
  s.add("slic.grid", &O::slic_grid, "of 'slic': distance of superpixels in plane at the start",
        "voxels")
      .range(2, 64)
      .add("slic.compactness", &O::slic_compactness,
           "of 'slic': intensity that weighs as much as a distance of one grid", "of the window")
      .range(1e-6, 1000)
      .add("slic.iterations", &O::slic_iterations, "of 'slic': rounds of clustering")
      .range(1, 1000);
}

void add_augmentation_and_phantoms(Schema<DataOptions>& s) {
  using O = DataOptions;
  s.add("augment.flip", &O::flip, "mirror a training sample along its axes at random")
      .add("augment.rotate90", &O::rotate90, "rotate it in plane by right angles at random")
      .add("augment.scale", &O::scale, "intensities times 1 +- this", "of the window")
      .range(0, 1)
      .add("augment.shift", &O::shift, "intensities plus +- this", "of the window")
      .range(0, 1)
      .add("phantom.count", &O::count, "regions to make")
      .range(1, 1000000)
      .add("phantom.patients", &O::patients, "patients that they belong to")
      .range(1, 1000000)
      .add("phantom.size", &O::size, "size of a region, [D, H, W]", "voxels")
      .range(1, 4096)
      .add("phantom.spacing", &O::phantom_spacing, "its voxels, [D, H, W]", "mm")
      .range(0, 100)
      .add("phantom.noise", &O::noise, "standard deviation of the noise", "HU")
      .range(0, 10000)
      .add("phantom.seed", &O::phantom_seed, "another seed makes other phantoms")
      .range(0, 9e18);
}

}  // namespace

Schema<ExperimentOptions> ExperimentOptions::schema() {
  using O = ExperimentOptions;
  return Schema<O>{}
      .add("name", &O::name, "what the run is called in lists and tables")
      .add("seed", &O::seed, "weights, sampling, augmentation and split follow from it")
      .range(0, 9e18)
      .add("note", &O::note, "a sentence for the run store")
      .rule([](const O& o) { return !o.name.empty() && !o.name.starts_with('@'); },
            "'name' must not be empty or begin with '@'. Give the run a name such as \"baseline\"");
}

Schema<PluginOptions> PluginOptions::schema() {
  return Schema<PluginOptions>{}.add("registries", &PluginOptions::registries,
                                     "more folders or registry.toml files to find plugins in");
}

Schema<DataOptions> DataOptions::schema() {
  using O = DataOptions;
  Schema<O> s;
  add_sampling(s);
  add_subset(s);
  add_superpixels(s);
  add_augmentation_and_phantoms(s);
  const auto dims = [](const O& o) { return static_cast<size_t>(o.dims); };
  return s
      .rule([](const O& o) { return !o.source.empty(); },
            "'source' is empty. Write 'phantom' or the folder of a ROI set")
      .rule([=](const O& o) { return o.roi.size() == dims(o); },
            "'roi' must have as many sizes as 'dims': [H, W] for 2, [D, H, W] for 3")
      .rule([](const O& o) { return o.window.size() == 2 && o.window[0] < o.window[1]; },
            "'window' must be [low, high] with low below high, such as [-1000, 400]")
      .rule([=](const O& o) { return o.spacing.empty() || o.spacing.size() == dims(o); },
            "'spacing' must be empty or have as many sizes as 'dims'")
      .rule([](const O& o) { return all_positive(o.spacing) && all_positive(o.phantom_spacing); },
            "'spacing' and 'phantom.spacing' must be above 0 mm")
      .rule([](const O& o) { return !o.channels.empty(); },
            "'channels' is empty. Name at least one image, such as \"ct\"")
      .rule(
          [](const O& o) {
            return std::set(o.crops.begin(), o.crops.end()).size() == o.crops.size();
          },
          "'crops' names a factor twice")
      .rule([](const O& o) { return o.size.size() == 3 && o.phantom_spacing.size() == 3; },
            "'phantom.size' and 'phantom.spacing' must have three values, [D, H, W]")
      .rule([](const O& o) { return o.patients <= o.count; },
            "'phantom.patients' must not be more than 'phantom.count'");
}

Validation validation(const DataOptions& options) {
  const auto& text = options.val;
  if (text == "none") return {};
  int64_t fold = 0;
  if (reads_whole(text, fold) && fold >= 0 && fold != options.fold)
    return {Validation::Kind::fold, 0, std::to_string(fold)};
  double fraction = 0;
  if (!reads_whole(text, fold) && reads_whole(text, fraction) && fraction > 0 && fraction < 1)
    return {Validation::Kind::fraction, fraction, ""};
  const bool tested = reads_whole(text, fold) && fold == options.fold;
  throw Error("data: option 'val' is '" + text +
                  "', allowed 'none', a fraction in (0, 1) such as 0.2, " + "or a fold such as 1." +
                  (tested ? " Fold " + text + " is tested ('fold'); take another one." : ""),
              Fault::request);
}

namespace {

void add_optimizer(Schema<TrainOptions>& s) {
  using O = TrainOptions;
  s.add("epochs", &O::epochs, "passes over the training set")
      .range(1, 1000000)
      .add("batch", &O::batch, "samples a step")
      .range(1, 65536)
      .add("optimizer", &O::optimizer, "'adam' adds weight decay to the gradient, 'adamw' does not")
      .one_of({"adam", "adamw", "sgd"})
      .add("lr", &O::lr, "largest learning rate")
      .range(0, 100)
      .add("weight_decay", &O::weight_decay, "L2 penalty, as the optimizer defines it")
      .range(0, 100)
      .add("momentum", &O::momentum, "of 'sgd'")
      .range(0, 1)
      .add("eps", &O::eps, "of 'adam' and 'adamw': added to the denominator")
      .range(0, 1)
      .add("betas", &O::betas, "of 'adam' and 'adamw': decay of the two running means")
      .range(0, 1)
      .add("schedule", &O::schedule, "how the learning rate changes")
      .one_of({"constant", "step", "poly", "cosine", "onecycle"})
      .add("warmup", &O::warmup, "linear rise of the learning rate from 0", "epochs")
      .range(0, 1000000)
      .add("step_gamma", &O::step_gamma, "of 'step': factor at each step")
      .range(0, 1)
      .add("step_every", &O::step_every, "of 'step': distance of the steps", "epochs")
      .range(1, kMost)
      .add("poly_power", &O::poly_power, "of 'poly': exponent of what is left")
      .range(0, 100)
      .add("min_lr", &O::min_lr, "of 'poly' and 'cosine': learning rate at the end")
      .range(0, 100)
      .add("accumulate", &O::accumulate, "batches whose gradients are averaged for one step")
      .range(1, 65536)
      .add("ema", &O::ema,
           "decay a step of the weights' moving average, which is then validated and tested; 0: "
           "none")
      .range(0, 0.999999)
      .add("clip", &O::clip, "largest norm of the gradient; 0: any")
      .range(0, kMost);
}

void add_machine_and_stopping(Schema<TrainOptions>& s) {
  using O = TrainOptions;
  s.add("precision", &O::precision, "auto: bfloat16 autocast where the device is fast at it")
      .one_of({"auto", "float32", "bfloat16"})
      .add("channels_last", &O::channels_last, "memory order of features; auto: with bfloat16")
      .one_of({"auto", "on", "off"})
      .add("device", &O::device, "'auto', 'cpu', 'cuda' or 'cuda:N'")
      .add("threads", &O::threads, "of the computation; 0: every core this process may use")
      .range(0, 4096)
      .add("freeze", &O::freeze, "stages or patterns that are not trained: \"seg.S1\", \"cls.C*\"")
      .add("freeze_norm", &O::freeze_norm, "batch norms of frozen stages keep their statistics")
      .add("init", &O::init, "weights to start from: \"run:ID\", \"experiment:FILE\" or a file")
      .add("patience", &O::patience, "stop after so long without improvement; 0: never", "epochs")
      .range(0, kMost)
      .add("min_delta", &O::min_delta, "what counts as an improvement of 'monitor'")
      .range(0, kMost)
      .add("monitor", &O::monitor, "metric of 'best'; auto: the first head's main one")
      .add("validate_every", &O::validate_every, "distance of validations", "epochs")
      .range(1, kMost)
      .add("drop_last", &O::drop_last, "leave out an epoch's last batch where it is not full")
      .add("log_every", &O::log_every, "steps between lines of progress; 0: one an epoch")
      .range(0, kMost)
      .add("digests", &O::digests,
           "digests in steps.csv, for `hilum runs verify`: of the weights after each 'step' (on a "
           "GPU 'epoch'), after each 'epoch', or 'off': no steps.csv")
      .one_of({"step", "epoch", "off"});
}

}  // namespace

Schema<TrainOptions> TrainOptions::schema() {
  using O = TrainOptions;
  Schema<O> s;
  add_optimizer(s);
  add_machine_and_stopping(s);
  return s
      .rule([](const O& o) { return o.betas.size() == 2 && o.betas[0] < 1 && o.betas[1] < 1; },
            "'betas' must be two numbers below 1, such as [0.9, 0.999]")
      .rule([](const O& o) { return is_device(o.device); },
            "'device' must be 'auto', 'cpu', 'cuda' or 'cuda:N' with the number of a GPU")
      .rule([](const O& o) { return o.min_lr <= o.lr; }, "'min_lr' must not be above 'lr'");
}

}  // namespace hilum::config
