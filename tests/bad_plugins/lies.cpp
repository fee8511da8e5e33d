// SPDX-License-Identifier: Apache-2.0
// Libraries that lie before any SDK is involved; HILUM_LIE says which one this is. They include
// nothing of LibTorch but its version, so each compiles at once.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "hilum/stamp.hpp"

#define EXPORT extern "C" __attribute__((visibility("default")))

enum Lie {
  plain,
  no_entry,
  no_stamp,
  wrong_sdk,
  wrong_torch,
  wrong_cuda,
  crashes,
  throws_at_load,
  exits,
  hangs,
  unresolved
};
constexpr Lie kLie = HILUM_LIE;

#define OTHER_SDK                                                                       \
  HILUM_STAMP_JOIN(9999, TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH, \
                   HILUM_TORCH_CUDA, _GLIBCXX_USE_CXX11_ABI, __GXX_ABI_VERSION)
#define OTHER_TORCH \
  HILUM_STAMP_JOIN(HILUM_SDK, 0, 4, 1, HILUM_TORCH_CUDA, _GLIBCXX_USE_CXX11_ABI, __GXX_ABI_VERSION)
#define OTHER_CUDA                                                                               \
  HILUM_STAMP_JOIN(HILUM_SDK, TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH, 92, \
                   _GLIBCXX_USE_CXX11_ABI, __GXX_ABI_VERSION)

#if HILUM_STAMPED == 1
EXPORT const char HILUM_STAMP;
const char HILUM_STAMP = 1;
#elif HILUM_STAMPED == 2
EXPORT const char OTHER_SDK;
const char OTHER_SDK = 1;
#elif HILUM_STAMPED == 3
EXPORT const char OTHER_TORCH;
const char OTHER_TORCH = 1;
#elif HILUM_STAMPED == 4
EXPORT const char OTHER_CUDA;
const char OTHER_CUDA = 1;
#endif

void defined_nowhere();

#if HILUM_ENTRY
namespace hilum {
class Registrar;
}
EXPORT void hilum_plugin(hilum::Registrar&, std::string&) {
  if constexpr (kLie == unresolved) defined_nowhere();
}
#endif

namespace {

// What a static object's constructor should never do. The file that HILUM_LIE_RAN names is a
// witness that code of this library ran.
struct AtLoad {
  AtLoad() {
    if (const char* witness = std::getenv("HILUM_LIE_RAN"))
      if (std::FILE* file = std::fopen(witness, "a")) std::fclose(file);
    if constexpr (kLie == crashes) *static_cast<volatile int*>(nullptr) = 1;
    if constexpr (kLie == throws_at_load) throw std::runtime_error("no GPU, no glory");
    if constexpr (kLie == exits) std::exit(3);
    if constexpr (kLie == hangs)
      for (;;) pause();
  }
} at_load;

}  // namespace
