// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "hilum/part.hpp"

namespace hilum::model {

/// The gradient of the sum of all outputs: "grad.<input>", "grad.<parameter>". A quantity that a
/// part logs under its name stands for the parameter that encodes it, if keep_graph was on in the
/// forward that made `outputs`. Inputs and parameters that get none are appended to `none`.
Named gradients(torch::nn::Module& module, const Named& inputs, const Named& outputs,
                Strings& none);

}  // namespace hilum::model
