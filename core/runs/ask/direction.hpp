// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace hilum::runs {

/// True of losses, distances and errors: "val.loss", "loss.mask", "test.mask.hd95",
/// "mask.slice_assd". The view v_best says the same of the metrics that it knows.
bool lower_is_better(const std::string& metric);

}  // namespace hilum::runs
