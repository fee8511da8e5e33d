// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>

#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {

/// Tags are listed with commas between them, and asked for by their exact text. Throws Error
/// (request) for one that would not be found again.
inline void check_tags(const Strings& tags) {
  for (const auto& tag : tags) {
    const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
    const bool blank = tag.empty() || tag.front() == ' ' || tag.back() == ' ';
    if (blank || tag.find(',') != std::string::npos || std::any_of(tag.begin(), tag.end(), control))
      throw Error("--tag: value is '" + tag +
                      "', allowed printable text without commas and without blanks around it.",
                  Fault::request);
  }
}

}  // namespace hilum::cli
