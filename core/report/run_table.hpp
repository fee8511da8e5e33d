// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

namespace hilum::report {

/// One split's figures of a run as tables, a table a head: masks by nodule, patient and slice (mm
/// for distances), with and without empty cases, and the counts; other heads as a list. metrics:
/// "test.mask.dice" -> value.
std::string run_table(const std::map<std::string, double>& metrics, const std::string& split);

}  // namespace hilum::report
