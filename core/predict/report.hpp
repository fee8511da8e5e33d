// SPDX-License-Identifier: Apache-2.0
// Images in, files out.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/predict/predict.hpp"

namespace hilum::predict {

/// An image in HU and what a table may call it: its path, its file's name, that name without
/// extensions, and of a DICOM series its UID.
struct Input {
  data::Volume volume;
  Strings names, notes;
};
/// An image file, or a folder with a DICOM CT series (`series`: its UID, where there are several).
/// Throws Error (data).
Input read_input(const std::filesystem::path& image, const std::string& series);
/// "scan" of "a/scan.nii.gz" and of "a/scan/"; LUNA16's series UID keeps its dots.
std::string image_name(const std::filesystem::path& image);
/// True for a name that write_image understands.
bool is_image_file(const std::filesystem::path& file);

struct Files {
  std::filesystem::path mask, probability, csv, json;  // probability: "" where it is not wanted
  std::vector<std::filesystem::path> all() const;
};
/// OUT/<image>_mask.nii.gz, _probability.nii.gz, _nodules.csv and _nodules.json; where OUT is an
/// image file, that is the mask and the others stand beside it.
Files files_for(const std::filesystem::path& image, const std::filesystem::path& out,
                bool probability);

using Document = nlohmann::ordered_json;
using Documents = std::vector<Document>;
/// Writes the files, JSON last, each beside and renamed; returns what the JSON holds.
Document write(const Predictor& predictor, const Prediction& prediction,
               const data::Geometry& geometry, const std::filesystem::path& image,
               const Files& files);
/// The document of one image, or an array of several.
std::string dump(const Documents& documents);
/// For people: a row a nodule.
std::string text(const Prediction& prediction, const Files& files);

}  // namespace hilum::predict
