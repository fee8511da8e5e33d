// SPDX-License-Identifier: Apache-2.0
#include "core/train/mask_folder.hpp"

#include "core/data/image.hpp"
#include "hilum/error.hpp"

namespace hilum::train {
namespace fs = std::filesystem;

MaskFolder::MaskFolder(fs::path folder) : folder_(std::move(folder)), beside_(folder_) {
  beside_ += ".part";
  try {
    fs::remove_all(beside_);
    if (!fs::exists(folder_)) return;
    fs::rename(folder_, beside_);  // first: a removal that is cut short must not look whole
    fs::remove_all(beside_);
  } catch (const fs::filesystem_error& error) {
    throw Error(folder_.string() + ": cannot be removed: " + error.code().message() + ".");
  }
}

MaskFolder::~MaskFolder() {
  std::error_code ignored;
  fs::remove_all(beside_, ignored);
}

void MaskFolder::add(const data::Region& region, const std::string& output,
                     const std::vector<float>& probability, double threshold) {
  std::vector<uint8_t> mask(probability.size());
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = probability[i] > static_cast<float>(threshold);
  data::write_image(beside_ / (region.id + "." + output + ".nii.gz"), region.geometry, mask);
  any_ = true;
}

bool MaskFolder::keep() {
  if (!any_) return false;
  try {
    fs::rename(beside_, folder_);
  } catch (const fs::filesystem_error& error) {
    throw Error(folder_.string() + ": cannot be written: " + error.code().message() + ".");
  }
  return true;
}

}  // namespace hilum::train
