// SPDX-License-Identifier: Apache-2.0
// JUnit's XML, as CI servers read it.
#pragma once
#include <string>
#include <vector>

namespace hilum::cli::junit {

struct Case {
  std::string name;
  double seconds = 0;
  std::string failure = {}, details = {};  // failure: one line; empty: none
  std::string skipped = {};                // why; empty: it was made
};
struct Suite {
  std::string name;
  std::vector<Case> cases;
};

std::string to_xml(const std::string& name, const std::vector<Suite>& suites);

}  // namespace hilum::cli::junit
