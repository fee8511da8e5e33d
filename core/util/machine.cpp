// SPDX-License-Identifier: Apache-2.0
#include "core/util/machine.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>

namespace hilum::util {
namespace {

// The first line that a command prints; "" where it fails.
std::string first_line(const char* command) {
  std::array<char, 256> line{};
  std::FILE* pipe = popen(command, "r");
  if (!pipe) return "";
  const bool read = std::fgets(line.data(), line.size(), pipe) != nullptr;
  pclose(pipe);
  const std::string text = read ? line.data() : "";
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string git_commit() { return first_line("git rev-parse HEAD 2>/dev/null"); }

bool git_dirty() {
  return !first_line("git status --porcelain --untracked-files=no 2>/dev/null").empty();
}

}  // namespace hilum::util
