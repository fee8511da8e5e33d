// SPDX-License-Identifier: Apache-2.0
// LIDC-IDRI as it is distributed (DICOM series and the radiologists' XML) to a ROI set.
#pragma once
#include <filesystem>

#include "core/data/lidc/nodules.hpp"

namespace hilum::data::lidc {

/// `dicom` and `xml` are searched with their subfolders. A region's id is <patient>_<k>, its nodule
/// k: nodules of a patient in the order of series UID, then as find_nodules() has them, counted
/// before any is dropped. A scan or file that is broken is dropped with its reason.
/// Throws Error (request) for unknown rules or folders that are not there, (data) where nothing is
/// left.
prepare::Prepared prepare_lidc(const std::filesystem::path& dicom, const std::filesystem::path& xml,
                               const std::filesystem::path& out, const Rules& rules);

}  // namespace hilum::data::lidc
