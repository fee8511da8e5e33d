// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace hilum::runs {

/// True of losses, distances and errors: "val.loss", "loss.mask", "test.mask.hd95",
/// "mask.slice_assd", "train.mask.dice" (a term of the loss). The view v_best says the same.
bool lower_is_better(const std::string& metric);

}  // namespace hilum::runs
