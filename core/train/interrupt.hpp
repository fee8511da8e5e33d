// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hilum::train {

/// While one lives, SIGINT and SIGTERM only ask to stop; a second one ends the process at once.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  bool asked() const;
};

}  // namespace hilum::train
