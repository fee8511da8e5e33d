// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdexcept>
#include <string>

#define HILUM_API __attribute__((visibility("default")))

namespace hilum {

/// Whose fault an error is. The value is the program's exit code.
enum class Fault { work = 1, request = 2, data = 3, plugin = 4 };

/// The one exception for users' mistakes and failed work. The message is a whole sentence:
/// where: what: value 'x', allowed y. What to do.
struct HILUM_API Error : std::runtime_error {
  explicit Error(const std::string& message, Fault fault = Fault::work)
      : std::runtime_error(message), fault(fault) {}
  ~Error()
      override;  // out of line: one typeinfo in libhilum_sdk, so that a plugin's Error is caught
  Fault fault;
};

}  // namespace hilum
