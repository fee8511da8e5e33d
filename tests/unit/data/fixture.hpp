// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/data/image.hpp"
#include "core/data/roi_set.hpp"

namespace hilum::data {
namespace fs = std::filesystem;

/// A folder that is empty at first and gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "hilum_data_XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
  fs::path path;
};

/// The message and fault of what `work` throws.
template <class Work>
Error error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error("nothing was thrown", Fault::work);
}

inline Geometry grid(int64_t d, int64_t h, int64_t w, std::array<double, 3> spacing = {2, 1, 1}) {
  return {{d, h, w}, spacing, {10, -20, 30}, {1, 0, 0, 0, 1, 0, 0, 0, 1}};
}

/// A region whose voxels are all different and whose mask is the voxels listed.
inline Region region(const std::string& id, const std::string& patient, const Geometry& geometry,
                     std::vector<size_t> nodule = {0}) {
  Region r;
  r.id = id, r.patient = patient, r.geometry = geometry, r.file = id + ".nii.gz";
  r.image.resize(static_cast<size_t>(voxels(geometry)));
  for (size_t i = 0; i < r.image.size(); ++i) r.image[i] = static_cast<float>(i) - 1000;
  r.mask.resize(r.image.size());
  for (const size_t i : nodule) r.mask.at(i) = 1;
  hash_region(r);
  return r;
}

inline const fs::path kShared = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "data";

}  // namespace hilum::data

#define HILUM_NEED_DATA(folder)                     \
  if (!fs::exists(hilum::data::kShared / (folder))) \
  GTEST_SKIP() << "no real data at " << (hilum::data::kShared / (folder))
