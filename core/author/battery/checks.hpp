// SPDX-License-Identifier: Apache-2.0
// The checks, a file a theme. Each throws Wrong or Skipped, or lets through what the plugin throws.
#pragma once
#include "core/author/battery/trial.hpp"

namespace hilum::author {

// declared.cpp: what it says of itself
void check_help(Trial&);
void check_defaults(Trial&);
void check_limits(Trial&);
void check_effects(Trial&);
// shapes.cpp
void check_shapes(Trial&);
void check_own_shapes(Trial&);  // what its kind promises
void check_guide(Trial&);       // regularizers
void check_unknown(Trial&);     // heads
// gradients.cpp
void check_gradients(Trial&);
void check_registered(Trial&);
void check_differences(Trial&);
// modes.cpp: repetition, train and eval
void check_repeats(Trial&);
void check_eval(Trial&);
void check_batch(Trial&);
// instances.cpp
void check_instances(Trial&);
void check_threads(Trial&);
// formats.cpp: states, layouts, precisions, devices
void check_save_load(Trial&);
void check_layout(Trial&);
void check_autocast(Trial&);
void check_trace(Trial&);
void check_device(Trial&);
// memory.cpp
void check_leaks(Trial&);

}  // namespace hilum::author
