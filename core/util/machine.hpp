// SPDX-License-Identifier: Apache-2.0
// Where a figure was made, for whoever asks later.
#pragma once
#include <string>

namespace hilum::util {

/// This machine's name.
std::string host_name();
/// The commit of the working folder's repository; "" where there is none, or no git.
std::string git_commit();
/// True where tracked files differ from that commit.
bool git_dirty();

}  // namespace hilum::util
