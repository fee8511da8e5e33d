// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

const std::vector<Step>& all_steps() {
  static const std::vector<Step> steps{Step::unique, Step::exists,    Step::stamp, Step::entry,
                                       Step::loads,  Step::registers, Step::names, Step::options};
  return steps;
}

std::string to_text(Step step) {
  static constexpr const char* kNames[] = {"unique", "exists",    "stamp", "entry",
                                           "loads",  "registers", "names", "options"};
  return kNames[static_cast<size_t>(step)];
}

std::string meaning(Step step) {
  static constexpr const char* kMeanings[] = {
      "its name stands for one library",
      "the library is there",
      "built for this program",
      "has the entry of a plugin",
      "loads without harm",
      "registers without an error",
      "registers what its registry or file name promises",
      "its options have free names and good defaults",
  };
  return kMeanings[static_cast<size_t>(step)];
}

Error error(const Entry& entry, const Failure& failure) {
  std::string text =
      entry.library.string() + ": " + entry.kind + " '" + entry.name + "': " + failure.cause + ".";
  if (!failure.advice.empty()) text += " " + failure.advice;
  return Error(text, Fault::plugin);
}

}  // namespace hilum::plugins
