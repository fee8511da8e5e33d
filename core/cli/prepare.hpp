// SPDX-License-Identifier: Apache-2.0
// What the subcommands of `hilum data prepare` share.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/data/lidc/nodules.hpp"
#include "core/data/prepare/writer.hpp"

namespace hilum::cli {

void add_prepare(CLI::App& data);
void add_prepare_lidc(CLI::App& prepare);

/// --size, --margin, --empty-slices, --fill, --spacing.
void add_crop_options(CLI::App& app, data::prepare::CropRules& rules);
/// Of the radiologists' readings: --min-readers, --cluster, --tolerance, --iou, --include-contour,
/// --ratings.
std::vector<CLI::Option*> add_reading_options(CLI::App& app, data::lidc::Rules& rules);
/// Prints the rules, what was kept, what was dropped by reason (each of the first few by name),
/// notes and the fingerprint.
void print_report(const std::filesystem::path& out, const std::string& fingerprint,
                  const std::map<std::string, std::string>& rules,
                  const data::prepare::Report& report);

}  // namespace hilum::cli
