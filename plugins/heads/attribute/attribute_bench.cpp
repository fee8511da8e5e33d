// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(argc, argv, "head/attribute",
                           {{"binary", {{"x", {16, 1024, 4, 4}}}},
                            {"ordinal", {{"x", {16, 1024, 4, 4}}}, {{"mode", "\"ordinal\""}}}});
}
