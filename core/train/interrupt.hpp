// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hilum::train {

/// While one lives, SIGINT and SIGTERM only ask to stop; a second one ends the process at once. In
/// a child of a process that called bind_children, the parent's death asks, too.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  bool asked() const;
  /// Processes that this one starts from here on are asked to stop when it dies, however it dies:
  /// they save, and nothing goes on unseen.
  static void bind_children();
};

}  // namespace hilum::train
