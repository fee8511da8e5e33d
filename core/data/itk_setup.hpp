// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hilum::data {

/// Before the first ITK object of a process: its first one loads every library in ITK_AUTOLOAD_PATH
/// and may then read images through them. The variable is taken away, and ITK's warnings are kept
/// off stderr: what matters in them is thrown as an Error. Cheap after the first call.
void prepare_itk();

}  // namespace hilum::data
