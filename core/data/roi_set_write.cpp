// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "core/data/csv.hpp"
#include "core/data/image.hpp"
#include "core/data/roi_set.hpp"
#include "core/util/files.hpp"

namespace hilum::data {

void write_roi_set(const RegionSet& set, const std::filesystem::path& folder) {
  std::string index = "id,patient,image,mask,series,nodule";
  for (const auto& name : set.target_names) index += "," + csv_cell(name);
  std::string folds = "id,fold\n";
  for (const auto& region : set.regions) {
    const std::string image = "image/" + region.id + ".nii.gz",
                      mask = "mask/" + region.id + ".nii.gz";
    std::vector<int16_t> voxels(region.image.size());
    for (size_t i = 0; i < voxels.size(); ++i)
      voxels[i] = static_cast<int16_t>(std::lround(region.image[i]));
    write_image(folder / image, region.geometry, voxels);
    write_image(folder / mask, region.geometry, region.mask);
    index += "\n" + join({csv_cell(region.id), csv_cell(region.patient), csv_cell(image),
                          csv_cell(mask), csv_cell(region.series), csv_cell(region.nodule)},
                         ",");
    for (const auto& name : set.target_names) {
      const double value = region.targets.at(name);
      index += "," + (std::isnan(value) ? "" : to_text(value));
    }
    if (const auto fold = set.folds.find(region.id); fold != set.folds.end())
      folds += csv_cell(region.id) + "," + fold->second + "\n";
  }
  if (!set.folds.empty()) util::write_file(folder / "folds.csv", folds);
  util::write_file(folder / "index.csv", index + "\n");
}

}  // namespace hilum::data
