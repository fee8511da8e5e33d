// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hilum/names.hpp"

namespace hilum::data::lidc {

/// One outline: a reader's contour on one slice. It runs on the first pixels outside the nodule.
struct Outline {
  double z = 0;                                // imageZposition, mm
  std::string sop_uid;                         // of the slice
  bool inclusion = true;                       // false: a hole
  std::vector<std::array<int64_t, 2>> points;  // x (column), y (row), 0-based pixels
};
/// One reader's mark of one nodule.
struct Reading {
  size_t session = 0;                     // 0-based, of the file; not the same person in two files
  std::string id;                         // noduleID
  std::map<std::string, double> ratings;  // by our column names (subtlety, internal_structure, ...)
  std::vector<Outline> outlines;
  bool rated() const { return !ratings.empty(); }  // a nodule >= 3 mm
};
struct NonNodule {
  size_t session = 0;
  std::string id, sop_uid;
  double z = 0;
  std::array<int64_t, 2> point{};
};
struct ReadingFile {
  std::filesystem::path file;
  std::string series, study, root;  // series: the CT's, of an X-ray too
  bool ct = true;                   // false: its readings, which lie on the X-ray, are left out
  size_t sessions = 0;
  std::vector<Reading> readings;
  std::vector<NonNodule> non_nodules;
  Strings notes;  // what is odd: all ratings 0, open contours, single points, blanks in numbers
};
/// Throws Error (Fault::data) with file:line:column for what is no reading file.
ReadingFile read_readings(const std::filesystem::path& file);

}  // namespace hilum::data::lidc
