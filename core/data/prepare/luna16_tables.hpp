// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/data/prepare/writer.hpp"
#include "core/data/world.hpp"

namespace hilum::data::prepare::luna16 {

struct Mark {
  World centre{};
  double diameter = 0;  // mm; 0 of a candidate
  int64_t line = 0;     // of its table
};
using Marks = std::map<std::string, std::vector<Mark>>;  // by series

/// Throws Error (Fault::data) with the line: a missing column, a number that is none or not finite.
Marks read_annotations(const std::filesystem::path& table);
/// Those of class 0. A class that is neither 0 nor 1 is an error.
Marks read_negatives(const std::filesystem::path& table);
std::map<std::string, std::string> read_patients(const std::filesystem::path& table);
/// Series -> file, for the files below `folder` with one of the endings. A series that lies there
/// twice is an Error (Fault::data).
std::map<std::string, std::filesystem::path> find_files(const std::filesystem::path& folder,
                                                        const Strings& endings);

}  // namespace hilum::data::prepare::luna16
