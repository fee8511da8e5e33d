// SPDX-License-Identifier: Apache-2.0
// From an image and positions to masks and each nodule's figures, with one run or several.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/predict/centres.hpp"
#include "core/predict/measure.hpp"
#include "core/predict/sliding.hpp"
#include "core/train/ensemble.hpp"

namespace hilum::predict {

using train::load_member;
using train::Member;

struct Settings {
  std::string head;             // the mask that is written; "": the first
  std::optional<double> depth;  // mm of slices around a centre, 2D runs
  bool flips = false;           // mean over flips of H and W, in 3D of D too
  bool lps = true;              // axes are turned to LPS first; else as stored
  Sliding sliding;
};

/// An output of one number a sample. `nodule` is the mean over the slices with predicted nodule
/// (all where there is none), `all` the mean over all slices, as in evaluation. Alike for 3D runs.
struct Value {
  std::string name;  // "malignancy", "attributes.margin": head, and target where it has several
  Output output;
  double nodule = 0, all = 0;
};
struct Nodule {
  Place place;
  int64_t slices = 0, slices_with_nodule = 0;
  Measures size;
  std::vector<Value> values;
};
/// On the grid of the image as stored.
struct Prediction {
  std::vector<float> probability;  // 0 where no region reaches; the larger where two overlap
  std::vector<uint8_t> mask;       // 0 or 1: probability above the threshold
  Measures size;                   // of the whole mask
  std::vector<Nodule> nodules;
  Strings notes;
};
using Tick = std::function<void(int64_t, int64_t)>;

class Predictor {
 public:
  /// Throws Error (request): a run without a mask head, runs of an ensemble that see different
  /// regions or answer different questions, inputs that one image does not have.
  Predictor(std::vector<Member> members, Settings settings);
  /// A region around each place, cut as training regions are (roi, spacing, window, fill and
  /// channels of the run). Throws Error (data) for a place outside the image.
  Prediction at(const data::Volume& image, const std::vector<Place>& places,
                const std::string& name, const Tick& tick = {});
  /// The whole image by sliding window.
  Prediction whole(const data::Volume& image, const std::string& name, const Tick& tick = {});

  const std::string& head() const { return head_; }
  double threshold() const { return mask_.threshold; }
  const std::vector<Member>& members() const { return members_; }
  const Settings& settings() const { return settings_; }

 private:
  struct Answer {                // of a batch, on the CPU
    Tensor mask;                 // [N,1,...] float32
    std::vector<Tensor> values;  // [N] float64, as values_
  };
  struct Regions;
  Answer ask(const Member& member, const Named& inputs) const;
  Turn view() const;                                 // data.view
  Turn turn_of(const data::Geometry& stored) const;  // to LPS, then to the view
  Measures axial(const std::vector<uint8_t>& mask, const data::Geometry& seen) const;
  Box box_of(const data::Geometry& geometry, const Place& place) const;
  void run_regions(Regions& regions, const Tick& tick);
  Nodule nodule_of(const Regions& regions, size_t r, const Place& place) const;
  void finish(Prediction& into, std::vector<float> probability, const data::Geometry& grid,
              const data::Geometry& stored, const Turn& turn) const;

  std::vector<Member> members_;
  Settings settings_;
  std::string head_;
  Output mask_;
  std::vector<std::pair<std::string, Output>> values_;  // head, output
};

}  // namespace hilum::predict
