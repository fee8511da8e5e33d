// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(argc, argv, "head/malignancy",
                           {{"feature", {{"x", {16, 1024, 4, 4}}}},
                            {"with_attributes", {{"a", {16, 1024, 4, 4}}, {"b", {16, 256}}}}});
}
