// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::train {

/// A folder of predicted masks that is written beside and renamed: where it is, it is whole.
class MaskFolder {
 public:
  /// What an earlier call left there is removed. Throws Error if it cannot be.
  explicit MaskFolder(std::filesystem::path folder);
  ~MaskFolder();  // without keep(), nothing is left
  MaskFolder(const MaskFolder&) = delete;
  MaskFolder& operator=(const MaskFolder&) = delete;

  /// <region id>.<output>.nii.gz: uint8 on the region's grid, 1 where the probability is above
  /// `threshold`. Throws Error naming the file.
  void add(const data::Region& region, const std::string& output,
           const std::vector<float>& probability, double threshold);
  /// Puts the folder in its place; false, and none, where no mask was added.
  bool keep();

 private:
  std::filesystem::path folder_, beside_;
  bool any_ = false;
};

}  // namespace hilum::train
