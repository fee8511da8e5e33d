// SPDX-License-Identifier: Apache-2.0
// Several processes at once, which end when this one is asked to.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace hilum::tables {

/// Runs commands until `next` has none. `next` is asked for another one whenever a place is free;
/// it returns an index and a command, or an empty command where nothing can start now. `ended` gets
/// the index and the exit code (128 + signal for a killed one). With one place the children's
/// output goes to our standard error; with several it is dropped and each gets its share of the
/// cores. Returns false where SIGINT or SIGTERM came: children get SIGTERM and are waited for.
struct Next {
  size_t index = 0;
  std::vector<std::string> command;
};
bool run_children(int64_t places, const std::function<Next()>& next,
                  const std::function<void(size_t index, int code)>& ended);

}  // namespace hilum::tables
