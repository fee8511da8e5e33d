// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <hilum/nn.hpp>

namespace test_parts {
void add_heads(hilum::Registrar& registrar);
}
