// SPDX-License-Identifier: Apache-2.0
// What hilum-engine describe-plugin does, without the rest of the engine: these tests need no more.
#include "core/plugins/describe.hpp"

int main(int count, char** words) {
  if (count < 3) return 2;
  hilum::plugins::describe_libraries({words + 2, words + count});
}
