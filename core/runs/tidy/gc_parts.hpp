// SPDX-License-Identifier: Apache-2.0
// What gc.cpp and gc_collect.cpp share: files and folders.
#pragma once
#include <filesystem>
#include <string>

#include "core/runs/sqlite/connection.hpp"

namespace hilum::runs {

inline const std::string kRemoved =
    ".removed-";  // then an id: a folder on its way out (remove.cpp)

/// Of a file, or of all files below a folder. Links count nothing, what cannot be read neither.
uintmax_t size_of(const std::filesystem::path& path);
/// "best.pt.part123", "mask.part123.nii.gz", "predictions.part": never finished, and nobody is at
/// it: its process is gone, or nothing was written to it for an hour where that cannot be seen.
/// `here`: its process was one of this machine.
bool is_abandoned_part(const std::filesystem::path& path, bool here);
/// Bytes that packing the database gives back; 0 where that is little, or something runs: packing
/// rewrites the whole file and holds the write lock for as long.
uintmax_t packable(Connection& store);
/// Checkpoints or predictions.
bool holds_work(const std::filesystem::path& folder);

}  // namespace hilum::runs
