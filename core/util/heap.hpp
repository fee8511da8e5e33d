// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdlib>

namespace hilum::util {

/// glibc gives a large block back to the system as soon as it is freed, and each of its pages costs
/// a fault when the next step asks for it again: a fifth of a training step. With these settings a
/// program keeps what it had and asks for huge pages. For programs that this process becomes or
/// starts; settings that are there already stay.
inline void keep_heap() {
  setenv("GLIBC_TUNABLES",
         "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.top_pad=67108864:"
         "glibc.malloc.trim_threshold=1099511627776",
         /*overwrite=*/0);
}

}  // namespace hilum::util
