// SPDX-License-Identifier: Apache-2.0
// LUNA16: .mhd scans by series UID and nodules as world coordinates.
#pragma once
#include "core/data/lidc/nodules.hpp"
#include "core/data/prepare/writer.hpp"

namespace hilum::data::prepare {

struct Luna16Source {
  std::filesystem::path scans;        // <series>.mhd, anywhere below
  std::filesystem::path annotations;  // seriesuid, coordX, coordY, coordZ (mm), diameter_mm
  std::filesystem::path candidates;   // seriesuid, coordX, coordY, coordZ, class; empty: none
  std::filesystem::path patients;     // seriesuid, patient; empty: a series is a patient
  std::filesystem::path masks;        // nodules as <series>.nii.gz, .mhd, ... anywhere below
  std::filesystem::path xml;          // the radiologists' readings, anywhere below
  lidc::Rules readings;               // of the XML; its crop and max_slice_gap are not used
  bool sphere = false;                // a sphere of the annotated diameter as mask
  double negatives = 0;               // regions without nodule for each one with
  int64_t negative_slices = 5;        // of such a region
  CropRules crop;
};
/// Crops around the annotated centres (the plane's middle is the centre, the slices are the mask's
/// and the empty ones) with the target diameter_mm; the mask holds the annotated nodule alone. With
/// `xml` it counts readings, and the ratings are targets too; scans without readings are dropped.
/// Negatives are candidates of class 0, else slices of the same scans at the nodules' places, in
/// both cases without an annotated nodule in the box (with `xml`: nor any that a reader marked);
/// which ones is a function of the tables and readings alone.
/// Throws Error: (request) not exactly one of masks, sphere and xml; (data) tables and images that
/// are wrong.
Prepared prepare_luna16(const Luna16Source& source, const std::filesystem::path& out);

}  // namespace hilum::data::prepare
