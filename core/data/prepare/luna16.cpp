// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/luna16.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/data/lidc/reading_files.hpp"
#include "core/data/prepare/luna16_readings.hpp"
#include "core/util/sha256.hpp"

namespace hilum::data::prepare {
namespace fs = std::filesystem;
namespace {
using luna16::box_of_ball;
using luna16::LocalMask;
using luna16::Mark;
using luna16::Marks;
using luna16::meet;
using luna16::ScanReadings;
using luna16::shifted;

using Scans = std::map<std::string, fs::path>;  // by series

// Where the masks of one scan come from; neither for spheres.
struct Truth {
  const Volume* masks = nullptr;
  const ScanReadings* readings = nullptr;
};

class Preparation {
 public:
  Preparation(const Luna16Source& source, const fs::path& out)
      : source_(source), rules_(rules()), writer_(out, "luna16", rules_) {}

  Prepared run() {
    annotations_ = luna16::read_annotations(source_.annotations);
    if (!source_.candidates.empty()) candidates_ = luna16::read_negatives(source_.candidates);
    if (!source_.patients.empty()) patients_ = luna16::read_patients(source_.patients);
    auto scans = luna16::find_files(source_.scans, {".mhd"});
    if (scans.empty())
      throw Error(source_.scans.string() + ": no .mhd file below it.", Fault::data);
    if (!source_.masks.empty())
      masks_ = luna16::find_files(source_.masks, {".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"});
    for (const auto& [series, marks] : annotations_)
      if (!scans.contains(series))
        for (size_t i = 0; i < marks.size(); ++i)
          report_.dropped.emplace_back(series + fmt::format("_{}", i + 1), "no scan of its series");
    if (!source_.xml.empty()) read_xml(scans);
    choose_candidates(scans);
    for (const auto& [series, file] : scans)
      if (annotations_.contains(series) || chosen_.contains(series)) scan(series, file);
    if (source_.sphere)
      report_.notes.push_back(
          "masks are spheres of the annotated diameter, not outlines: no truth for a segmentation");
    for (auto& dropped : of_files_.dropped) report_.dropped.push_back(std::move(dropped));
    for (auto& note : of_files_.notes) report_.notes.push_back(std::move(note));
    return {writer_.finish(report_), rules_, report_};
  }

 private:
  std::map<std::string, std::string> rules() const;
  void read_xml(Scans& scans);
  void choose_candidates(const Scans& scans);
  void scan(const std::string& series, const fs::path& file);
  void regions(const Volume& scan, const Truth& truth, Row row);
  void positive(const Volume& scan, const Truth& truth, const Mark& mark, Row row);
  bool negative(const Volume& scan, const Truth& truth, const World& centre, Row row);
  void empty_slices(const Volume& scan, const Truth& truth, const Row& base);
  const std::vector<Mark>& annotated(const std::string& series) const {
    static const std::vector<Mark> none;
    const auto found = annotations_.find(series);
    return found == annotations_.end() ? none : found->second;
  }
  Row base(const std::string& series) const {
    const auto patient = patients_.find(series);
    Row row;
    row.series = series;
    row.patient = patient == patients_.end() ? series : patient->second;
    return row;
  }

  const Luna16Source& source_;
  std::map<std::string, std::string> rules_;
  Writer writer_;
  Marks annotations_, candidates_, chosen_;
  std::map<std::string, std::string> patients_;
  Scans masks_;
  lidc::ReadingFiles readings_;
  Report of_files_;  // of the XML; goes last, for there is much of it
  Report report_;
  double owed_ = 0;  // negatives from slices, carried over from scan to scan
};

std::map<std::string, std::string> Preparation::rules() const {
  if (int{source_.sphere} + int{!source_.masks.empty()} + int{!source_.xml.empty()} != 1)
    throw Error(
        "LUNA16 has positions and diameters, no outlines: give a folder of masks (--masks), the "
        "radiologists' readings (--xml) or take spheres of the annotated diameter (--mask sphere), "
        "one of the three.",
        Fault::request);
  if (!source_.candidates.empty() && source_.negatives == 0)
    throw Error(
        "candidates are for regions without nodule: how many for each nodule? Give "
        "--negatives.",
        Fault::request);
  std::map<std::string, std::string> rules;
  if (!source_.xml.empty()) {
    lidc::check(source_.readings);
    rules = lidc::to_rules(source_.readings);
    rules.erase("max_slice_gap");
    rules["outlines"] = "pixels as stored; along the patient's axes if that fits the annotations";
  }
  for (const auto& [name, value] : to_rules(source_.crop)) rules[name] = value;
  if (source_.xml.empty())
    rules["mask"] = source_.sphere ? "sphere of the annotated diameter" : "component at the centre";
  rules["negatives"] = fmt::format("{:g}", source_.negatives);
  if (source_.negatives > 0) {
    rules["negatives_from"] = source_.candidates.empty() ? "slices" : "candidates of class 0";
    rules["negative_slices"] = std::to_string(source_.negative_slices);
  }
  rules["patient"] = source_.patients.empty() ? "series" : "table";
  return rules;
}

// Leaves the scans that were read.
void Preparation::read_xml(Scans& scans) {
  readings_ = lidc::read_reading_files(source_.xml, of_files_);
  of_files_.notes.clear();  // of files for other scans too
  report_.kept = of_files_.kept;
  std::erase_if(scans, [&](const auto& scan) {
    const auto& [series, file] = scan;
    const auto found = readings_.find(series);
    const bool wanted = annotations_.contains(series) || candidates_.contains(series);
    if (wanted && found == readings_.end())
      report_.dropped.emplace_back(series, "no readings of this scan in the XML");
    else if (wanted)
      for (const auto& read : found->second)
        for (const auto& note : read.notes)
          of_files_.notes.push_back(read.file.lexically_relative(source_.xml).string() + ": " +
                                    note);
    return found == readings_.end();
  });
}

// In the order of hashes: spread over all scans, and the same for the same tables.
void Preparation::choose_candidates(const Scans& scans) {
  std::vector<std::tuple<std::string, std::string, Mark>> order;
  double nodules = 0;
  for (const auto& [series, file] : scans) {
    if (const auto marks = annotations_.find(series); marks != annotations_.end())
      nodules += static_cast<double>(marks->second.size());
    if (const auto marks = candidates_.find(series); marks != candidates_.end())
      for (const auto& mark : marks->second)
        order.emplace_back(util::sha256(fmt::format("{} {}", series, mark.line)), series, mark);
  }
  const auto wanted = static_cast<size_t>(std::llround(source_.negatives * nodules));
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return std::get<0>(a) < std::get<0>(b); });
  for (size_t i = 0; i < std::min(wanted, order.size()); ++i)
    chosen_[std::get<1>(order[i])].push_back(std::get<2>(order[i]));
  if (!source_.candidates.empty() && order.size() < wanted)
    report_.notes.push_back(fmt::format("{} negatives wanted, the candidates of these scans are {}",
                                        wanted, order.size()));
}

void Preparation::scan(const std::string& series, const fs::path& file) {
  const Volume scan = read_image(file);
  std::optional<Volume> masks;
  if (const auto at = masks_.find(series); at != masks_.end()) {
    masks = read_image(at->second);
    const auto differs = difference(masks->geometry, scan.geometry);
    if (!differs.empty())
      throw Error(at->second.string() + ": has " + differs + ", which its scan has.", Fault::data);
  }
  std::optional<ScanReadings> readings;
  try {
    if (!source_.xml.empty())
      readings.emplace(series, scan.geometry, std::move(readings_.at(series)), annotated(series),
                       source_.readings, report_);
  } catch (const Error& error) {
    if (error.fault != Fault::data) throw;
    report_.dropped.emplace_back(series, error.what());
    return;
  }
  ++report_.kept["scans"];
  regions(scan, {masks ? &*masks : nullptr, readings ? &*readings : nullptr}, base(series));
}

void Preparation::regions(const Volume& scan, const Truth& truth, Row row) {
  const std::string series = row.series;
  const auto& nodules = annotated(series);
  for (size_t i = 0; i < nodules.size(); ++i) {
    row.nodule = std::to_string(i + 1), row.id = series + "_" + row.nodule;
    positive(scan, truth, nodules[i], row);
  }
  row.nodule.clear();
  if (truth.readings) truth.readings->describe_empty(row);
  if (const auto chosen = chosen_.find(series); chosen != chosen_.end())
    for (const auto& mark : chosen->second) {
      row.id = fmt::format("{}_n{}", series, mark.line);
      negative(scan, truth, mark.centre, row);
    }
  if (source_.candidates.empty() && source_.negatives > 0) empty_slices(scan, truth, row);
}

void Preparation::positive(const Volume& scan, const Truth& truth, const Mark& mark, Row row) {
  const auto drop = [&](const std::string& why) { report_.dropped.emplace_back(row.id, why); };
  if (!inside(scan.geometry, nearest_voxel(scan.geometry, mark.centre)))
    return drop("the annotated centre lies outside of the scan");
  if (!source_.masks.empty() && !truth.masks) return drop("no mask of its series");
  LocalMask local;
  try {
    local = truth.readings ? truth.readings->nodule(mark, row)
            : truth.masks  ? luna16::component(*truth.masks, mark)
                           : luna16::sphere(scan.geometry, mark);
  } catch (const Error& error) {
    return drop(error.what());
  }
  const Box by_mask = shifted(crop_box(local.mask, source_.crop), local.box.from);
  Box box = crop_box(scan.geometry, to_voxel(scan.geometry, mark.centre), 1, source_.crop);
  box.from[0] = by_mask.from[0], box.size[0] = by_mask.size[0];
  for (size_t i = 1; i < 3; ++i)
    if (source_.crop.size[i - 1] == 0) box.from[i] = by_mask.from[i], box.size[i] = by_mask.size[i];
  row.image = crop(scan, box, source_.crop.fill);
  Box of_mask = box;
  for (size_t i = 0; i < 3; ++i) of_mask.from[i] -= local.box.from[i];
  row.mask = crop(local.mask, of_mask, 0);
  row.mask.geometry = row.image.geometry;
  row.targets["diameter_mm"] = mark.diameter;
  bring_to_spacing(row, source_.crop);
  writer_.add(row);
  ++report_.kept["nodules"];
}

// False where a nodule reaches into the box.
bool Preparation::negative(const Volume& scan, const Truth& truth, const World& centre, Row row) {
  CropRules rules = source_.crop;
  rules.empty_slices = 0;
  const auto drop = [&](const std::string& why) {
    report_.dropped.emplace_back(row.id, why);
    return false;
  };
  if (!inside(scan.geometry, nearest_voxel(scan.geometry, centre)))
    return drop("the candidate lies outside of the scan");
  const Box box =
      crop_box(scan.geometry, to_voxel(scan.geometry, centre), source_.negative_slices, rules);
  for (const auto& nodule : annotated(row.series))
    if (meet(box, box_of_ball(scan.geometry, to_voxel(scan.geometry, nodule.centre),
                              nodule.diameter / 2)))
      return drop("an annotated nodule lies in the box of a negative");
  if (truth.readings && truth.readings->marked(box))
    return drop("an outline of the readings lies in the box of a negative");
  row.image = crop(scan, box, rules.fill);
  row.mask = {row.image.geometry, std::vector<float>(row.image.voxels.size())};
  bring_to_spacing(row, rules);
  writer_.add(row);
  ++report_.kept["regions without nodule"];
  return true;
}

// At the places of the nodules in the plane, in slices that are free of any.
void Preparation::empty_slices(const Volume& scan, const Truth& truth, const Row& base) {
  const Geometry& g = scan.geometry;
  const auto& nodules = annotated(base.series);
  owed_ += source_.negatives * static_cast<double>(nodules.size());
  const auto reach = static_cast<double>(source_.negative_slices) / 2 + 1;
  std::vector<std::tuple<std::string, size_t, int64_t>> order;  // hash, nodule, slice
  for (int64_t slice = source_.negative_slices / 2;
       slice + (source_.negative_slices - 1) / 2 < g.size[0]; ++slice) {
    const bool free = std::all_of(nodules.begin(), nodules.end(), [&](const Mark& nodule) {
      return std::abs(to_voxel(g, nodule.centre)[0] - static_cast<double>(slice)) >
             nodule.diameter / 2 / g.spacing[0] + reach;
    });
    for (size_t i = 0; free && i < nodules.size(); ++i)
      order.emplace_back(util::sha256(fmt::format("{} {} {}", base.series, i, slice)), i, slice);
  }
  std::sort(order.begin(), order.end());
  Row row = base;
  for (const auto& [hash, nodule, slice] : order) {
    if (owed_ < 1) break;
    Voxel at = to_voxel(g, nodules[nodule].centre);
    at[0] = static_cast<double>(slice);
    row.id = fmt::format("{}_n{}_{}", base.series, nodule + 1, slice);
    if (negative(scan, truth, to_world(g, at), row)) owed_ -= 1;
  }
}

}  // namespace

Prepared prepare_luna16(const Luna16Source& source, const fs::path& out) {
  return Preparation(source, out).run();
}

}  // namespace hilum::data::prepare
