// SPDX-License-Identifier: Apache-2.0
// Everything that the store knows of runs, for other programs.
#pragma once
#include "core/runs/queries.hpp"

namespace hilum::runs {

enum class ExportFormat {
  csv,  // a file a table: runs.csv, params.csv, metrics.csv, case_metrics.csv, plugins.csv,
        // tags.csv, artifacts.csv; the run is the first column
  json  // a file a run: <id>.json, with the text of its config.toml
};
struct Exported {
  size_t runs = 0, files = 0;
};
/// Into `folder`, which must not be there or be empty; it appears when all is written. Numbers read
/// back as the same numbers; NaN is empty, or null. One run is held in memory at a time. Throws
/// Error (request) where something is in the folder.
Exported export_runs(const Reader& reader, const std::vector<std::string>& ids, ExportFormat format,
                     const std::filesystem::path& folder);

}  // namespace hilum::runs
