// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/data/lidc/reading_files.hpp"

namespace hilum::data::lidc {
namespace fs = std::filesystem;
using prepare::Report;
namespace {

void drop_unrated(const std::vector<Reading>& readings, const std::string& scan, Report& report) {
  for (const auto& reading : readings)
    if (!reading.rated())
      report.dropped.emplace_back(
          fmt::format("{} session {} nodule {}", scan, reading.session + 1, reading.id),
          is_small_mark(reading.outlines) ? "nodule below 3 mm" : "outline without ratings");
}

class Preparation {
 public:
  Preparation(const fs::path& out, const Rules& rules)
      : rules_(rules), writer_(out, "lidc", to_rules(rules)) {}

  void add(const Series& series, std::vector<ReadingFile> files) {
    try {
      const Scan scan = read_scan(series);
      for (const auto& note : scan.notes) report.notes.push_back(series.uid + ": " + note);
      const double gap = scan.volume.geometry.spacing[0];
      if (rules_.max_slice_gap > 0 && gap > rules_.max_slice_gap + 1e-3)
        return drop(series.uid,
                    fmt::format("slices are {:g} mm apart, above {:g}", gap, rules_.max_slice_gap));
      ++report.kept["scans"];
      add(scan, merge(scan, std::move(files)));
    } catch (const Error& error) {
      if (error.fault != Fault::data) throw;
      drop(series.uid, error.what());
    }
  }
  void drop(const std::string& what, const std::string& why) {
    report.dropped.emplace_back(what, why);
  }
  prepare::Prepared finish() {
    std::string fingerprint = writer_.finish(report);
    return {std::move(fingerprint), to_rules(rules_), std::move(report)};
  }
  Report report;

 private:
  void add(const Scan& scan, const std::vector<Reading>& readings) {
    const std::string patient = scan.patient.empty() ? scan.series : scan.patient;
    drop_unrated(readings, scan.series, report);
    for (const auto& nodule : find_nodules(scan, readings, rules_, report)) {
      const std::string number = std::to_string(++numbers_[patient]);
      const std::string id = patient + "_" + number;
      if (nodule.readers < rules_.min_readers) {
        drop(id, fmt::format("marked by fewer than {} readers", rules_.min_readers));
        continue;
      }
      prepare::Row row = to_row(scan, nodule, rules_);
      row.id = id, row.patient = patient, row.series = scan.series, row.nodule = number;
      const auto& mask = row.mask.voxels;
      if (std::all_of(mask.begin(), mask.end(), [](float value) { return value == 0; })) {
        drop(id, "no voxel is left in its mask");
        continue;
      }
      writer_.add(row);
      ++report.kept["nodules"];
      report.kept["readings"] += static_cast<int64_t>(nodule.readings.size());
    }
  }

  const Rules& rules_;
  prepare::Writer writer_;
  std::map<std::string, int64_t> numbers_;  // nodules so far, by patient
};

}  // namespace

prepare::Prepared prepare_lidc(const fs::path& dicom, const fs::path& xml, const fs::path& out,
                               const Rules& rules) {
  check(rules);
  for (const auto& folder : {dicom, xml})
    if (!fs::is_directory(folder))
      throw Error(folder.string() + ": no such folder.", Fault::request);
  Preparation work(out, rules);
  Report& report = work.report;
  ReadingFiles files = read_reading_files(xml, report);
  for (const auto& series : find_series(dicom, report.notes)) {
    const auto found = files.find(series.uid);
    if (series.modality != "CT")
      work.drop(series.uid, "its modality is '" + series.modality + "', not CT");
    else if (found == files.end())
      work.drop(series.uid, "no readings of this scan");
    else
      work.add(series, std::move(found->second));
    if (found != files.end()) files.erase(found);
  }
  for (const auto& [series, left] : files)
    for (const auto& file : left)
      work.drop(file.file.lexically_relative(xml).string(),
                "its scan is not among the DICOM files");
  return work.finish();
}

}  // namespace hilum::data::lidc
