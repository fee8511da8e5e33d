// SPDX-License-Identifier: Apache-2.0
// Key functions: the one copy of each slot's vtable and typeinfo that program and plugins share.
#include "hilum/part.hpp"
#include "hilum/slots.hpp"

namespace hilum {

Part::~Part() = default;
Fusion::~Fusion() = default;
Regularizer::~Regularizer() = default;
Head::~Head() = default;

}  // namespace hilum
