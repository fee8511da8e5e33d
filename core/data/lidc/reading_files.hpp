// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/data/lidc/xml.hpp"
#include "core/data/prepare/writer.hpp"

namespace hilum::data::lidc {

using ReadingFiles = std::map<std::string, std::vector<ReadingFile>>;  // by the CT's series UID

/// The CT readings in all .xml files below `folder`, in the order of paths. Chest X-ray readings
/// and files that are no readings are dropped with their reason, by their path below the folder.
/// Throws Error: (request) no such folder; (data) it cannot be read, or has no .xml file.
ReadingFiles read_reading_files(const std::filesystem::path& folder, prepare::Report& report);

}  // namespace hilum::data::lidc
