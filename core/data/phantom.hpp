// SPDX-License-Identifier: Apache-2.0
// Synthetic nodules: docs/data.md says what is in them. No LibTorch.
#pragma once
#include "core/data/region.hpp"

namespace hilum::data {

enum class NoduleType { isolated, juxtapleural, cavitary, ground_glass, calcified };

/// `options.count` regions of `options.patients` patients from `options.phantom_seed`; ratings as
/// drawn (malignancy 1 to 5), no folds. The same on every machine with IEEE arithmetic.
RegionSet make_phantoms(const config::DataOptions& options);

}  // namespace hilum::data
