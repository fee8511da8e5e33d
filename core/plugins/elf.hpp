// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace hilum::plugins {

/// Throws std::runtime_error with the reason, such as "it is a 32-bit library", where the file is
/// no shared library of this machine's kind, or was cut off: what reads its symbols trusts all that
/// the header says of offsets and sizes.
void require_whole_library(const std::filesystem::path& file);

}  // namespace hilum::plugins
