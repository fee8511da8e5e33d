// SPDX-License-Identifier: Apache-2.0
#include "core/data/dicom.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "core/data/dicom_slice.hpp"

namespace hilum::data {
namespace fs = std::filesystem;
namespace {

constexpr double kSame = 0.01;  // mm: two slices at one position
// Against the usual distance: more is a gap, more than this off is uneven.
constexpr double kGap = 1.5, kUneven = 0.05;

std::string mm(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", std::round(value * 1e4) / 1e4);
  return text;
}

std::vector<fs::path> files_below(const fs::path& folder) try {
  if (!fs::is_directory(folder))
    throw Error(folder.string() + (fs::exists(folder) ? ": is no folder." : ": does not exist."),
                Fault::data);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
} catch (const fs::filesystem_error& error) {
  throw Error(error.path1().string() + ": cannot be read: " + error.code().message() + ".",
              Fault::data);
}

bool named_dicom(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".dcm" || extension == ".dicom";
}

/// A slice and how far along the normal it lies.
struct Placed {
  CtSlice slice;
  double at = 0;
};

void check_alike(const CtSlice& slice, const CtSlice& first) {
  const auto other = [&](const std::string& what) {
    slice.dicom.fail(what + ", unlike " + first.dicom.file.string() +
                     ": one scan needs slices that are alike. Take them apart.");
  };
  if (slice.series != first.series) other("is of the series '" + slice.series + "'");
  if (slice.rows != first.rows || slice.columns != first.columns)
    other("has " + std::to_string(slice.rows) + " x " + std::to_string(slice.columns) +
          " pixels (H x W)");
  for (size_t i = 0; i < 2; ++i)
    if (std::abs(slice.spacing[i] - first.spacing[i]) > 1e-3 * first.spacing[i])
      other("has a pixel spacing of " + mm(slice.spacing[0]) + ", " + mm(slice.spacing[1]) + " mm");
  for (size_t i = 0; i < 6; ++i)
    if (std::abs(slice.orientation[i] - first.orientation[i]) > 1e-3)
      other("has another orientation");
}

std::vector<Placed> read_headers(const Series& series) {
  std::vector<Placed> placed;
  for (const fs::path& file : series.files) placed.push_back({read_slice_header(file)});
  // The order of files means nothing: whichever comes first, the result is the same.
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.slice.instance, a.slice.sop_uid) <
           std::tie(b.slice.instance, b.slice.sop_uid);
  });
  const auto normal = placed.front().slice.normal();
  for (Placed& p : placed) {
    check_alike(p.slice, placed.front().slice);
    for (size_t i = 0; i < 3; ++i) p.at += normal[i] * p.slice.position[i];
  }
  std::stable_sort(placed.begin(), placed.end(),
                   [](const Placed& a, const Placed& b) { return a.at < b.at; });
  return placed;
}

// Of slices at one position the one with the lower InstanceNumber stays, as in pylidc.
void drop_doubles(std::vector<Placed>& placed, Strings& notes) {
  std::vector<Placed> kept;
  for (Placed& p : placed) {
    if (kept.empty() || p.at - kept.back().at > kSame) {
      kept.push_back(std::move(p));
      continue;
    }
    const auto key = [](const Placed& x) { return std::tie(x.slice.instance, x.slice.sop_uid); };
    if (key(p) < key(kept.back())) std::swap(p, kept.back());
    notes.push_back("two slices at z " + mm(p.slice.position[2]) +
                    " mm: " + kept.back().slice.dicom.file.filename().string() + " is kept, " +
                    p.slice.dicom.file.filename().string() +
                    " (higher InstanceNumber) is left out");
  }
  placed = std::move(kept);
}

void note_gaps(const std::vector<Placed>& placed, double usual, Strings& notes) {
  double uneven = 0;
  for (size_t i = 1; i < placed.size(); ++i) {
    const double distance = placed[i].at - placed[i - 1].at;
    if (distance <= kGap * usual) {
      uneven = std::max(uneven, std::abs(distance - usual));
      continue;
    }
    const auto missing = std::llround(distance / usual) - 1;
    notes.push_back(std::to_string(missing) + (missing == 1 ? " slice is" : " slices are") +
                    " missing between z " + mm(placed[i - 1].slice.position[2]) + " and " +
                    mm(placed[i].slice.position[2]) + " mm: nothing is put there, and positions " +
                    "beyond do not follow from the spacing of " + mm(usual) + " mm");
  }
  if (uneven > kUneven * usual)
    notes.push_back("slices are not evenly spaced: up to " + mm(uneven) + " mm off " + mm(usual) +
                    " mm");
}

// A tilted gantry moves each slice within its plane, which no grid of voxels can say.
void note_shear(const std::vector<Placed>& placed, Strings& notes) {
  const auto normal = placed.front().slice.normal();
  double most = 0;
  for (const Placed& p : placed) {
    double square = 0;
    for (size_t i = 0; i < 3; ++i) {
      const double off = p.slice.position[i] - placed.front().slice.position[i] -
                         normal[i] * (p.at - placed.front().at);
      square += off * off;
    }
    most = std::max(most, std::sqrt(square));
  }
  if (most > 0.5 * placed.front().slice.spacing[1])
    notes.push_back("slices are shifted in their plane by up to " + mm(most) +
                    " mm (a tilted gantry?): world positions are right on the first slice only");
}

double slice_spacing(const std::vector<Placed>& placed, Strings& notes) {
  if (placed.size() < 2) {
    const auto& thickness = placed.front().slice.thickness;
    notes.push_back("has one slice; " +
                    (thickness ? "its thickness of " + mm(*thickness) + " mm"
                               : "1 mm, for want of a thickness,") +
                    " is taken as spacing");
    return thickness.value_or(1);
  }
  std::vector<double> distances;
  for (size_t i = 1; i < placed.size(); ++i) distances.push_back(placed[i].at - placed[i - 1].at);
  const auto middle = distances.begin() + std::ssize(distances) / 2;
  std::nth_element(distances.begin(), middle, distances.end());
  const double usual = *middle;
  note_gaps(placed, usual, notes);
  // Rounded positions average out, unless a gap is among them.
  const double mean = (placed.back().at - placed.front().at) / double(placed.size() - 1);
  return std::abs(mean - usual) < 0.01 * usual ? mean : usual;
}

Geometry geometry_of(const std::vector<Placed>& placed, Strings& notes) {
  const CtSlice& first = placed.front().slice;
  const auto normal = first.normal();
  Geometry geometry{{std::ssize(placed), first.rows, first.columns},
                    {slice_spacing(placed, notes), first.spacing[0], first.spacing[1]},
                    first.position,
                    {}};
  for (size_t i = 0; i < 3; ++i) {
    geometry.direction[i * 3] = first.orientation[i];
    geometry.direction[i * 3 + 1] = first.orientation[3 + i];
    geometry.direction[i * 3 + 2] = normal[i];
  }
  return geometry;
}

void read_voxels(const std::vector<Placed>& placed, double fill, Scan& scan) {
  const auto plane = static_cast<size_t>(placed[0].slice.rows * placed[0].slice.columns);
  scan.volume.voxels.resize(plane * placed.size());
  Replaced all;
  for (size_t i = 0; i < placed.size(); ++i) {
    const auto some = read_slice_pixels(placed[i].slice, fill,
                                        std::span(scan.volume.voxels).subspan(i * plane, plane));
    all.padding += some.padding;
    all.below += some.below;
    scan.slices.push_back({placed[i].slice.sop_uid, placed[i].slice.position[2]});
  }
  if (all.padding > 0)
    scan.notes.push_back(std::to_string(all.padding) +
                         " voxels of padding (PixelPaddingValue) became " + mm(fill) + " HU");
  if (all.below > 0)
    scan.notes.push_back(std::to_string(all.below) + " voxels below " + mm(fill) + " HU became " +
                         mm(fill) + " HU");
}

}  // namespace

std::vector<Series> find_series(const fs::path& folder, Strings& notes) {
  constexpr std::string_view kDirectory = "1.2.840.10008.1.3.10";  // a DICOMDIR, a list of files
  std::map<std::pair<std::string, std::string>, Series> all;
  for (const fs::path& file : files_below(folder)) {
    if (!is_dicom(file)) {
      if (named_dicom(file))
        notes.push_back(file.string() + ": is no DICOM file, whatever its name.");
      continue;
    }
    try {
      const DicomFile dicom = read_dicom(file, tag::kSeries);
      if (dicom.text(tag::kClass) == kDirectory) continue;
      const std::string uid = dicom.text(tag::kSeries), patient = dicom.text(tag::kPatient);
      if (uid.empty()) dicom.fail("has no SeriesInstanceUID (0020,000e).");
      Series& series = all[{patient, uid}];
      if (series.files.empty()) series = {uid, patient, dicom.text(tag::kModality), {}};
      series.files.push_back(file);
    } catch (const Error& error) {
      notes.push_back(error.what());
    }
  }
  std::vector<Series> sorted;
  for (auto& [key, series] : all) sorted.push_back(std::move(series));
  return sorted;
}

Scan read_scan(const Series& series, double fill) {
  if (series.files.empty()) throw Error("series " + series.uid + ": has no files.", Fault::data);
  std::vector<Placed> placed = read_headers(series);
  Scan scan{.series = series.uid, .patient = series.patient};
  drop_doubles(placed, scan.notes);
  note_shear(placed, scan.notes);
  scan.volume.geometry = geometry_of(placed, scan.notes);
  check_geometry(scan.volume.geometry, placed.front().slice.dicom.file);
  if (std::any_of(placed.begin(), placed.end(), [](const Placed& p) { return !p.slice.rescaled; }))
    scan.notes.push_back("slices without rescale slope and intercept: taken as HU as they are");
  read_voxels(placed, fill, scan);
  return scan;
}

}  // namespace hilum::data
