// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/plugin_bench.hpp"

int main(int argc, char** argv) {
  return hilum::bench::run(argc, argv, "head/binary_nodule",
                           {{"C5", {{"x", {10, 2048, 4, 4}}}}, {"3d", {{"x", {2, 512, 4, 8, 8}}}}});
}
