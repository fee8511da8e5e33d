// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/describe.hpp"

#include <unistd.h>

#include "core/plugins/declaration_json.hpp"
#include "core/plugins/library.hpp"
#include "core/plugins/speak.hpp"

namespace hilum::plugins {
namespace {
using Json = nlohmann::ordered_json;

void describe(const std::filesystem::path& library) {
  const std::string path = library.string();
  const Opened opened = open_library(library, [&](Step step) {
    say({{"library", path}, {"step", to_text(step)}});
  });
  if (opened.failure) {
    const auto& [step, cause, advice, looked] = *opened.failure;
    say({{"library", path}, {"step", to_text(step)}, {"failure", cause}, {"advice", advice}});
    if (opened.threw) _exit(0);  // another child goes on with the rest
    return;
  }
  Json plugins = Json::array();
  for (const auto& plugin : opened.plugins) plugins.push_back(to_json(declaration(*plugin)));
  say({{"library", path}, {"plugins", plugins}});
}

}  // namespace

void describe_libraries(const std::vector<std::filesystem::path>& libraries) {
  become_child();
  say({{"ready", true}});
  for (const auto& library : libraries) describe(library);
  _exit(0);
}

}  // namespace hilum::plugins
