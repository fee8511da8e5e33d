// SPDX-License-Identifier: Apache-2.0
#include "hilum/error.hpp"

namespace hilum {

Error::~Error() = default;

}  // namespace hilum
