// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/describe.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "core/plugins/declaration_json.hpp"
#include "core/plugins/library.hpp"

namespace hilum::plugins {
namespace {
using Json = nlohmann::ordered_json;

int report_to = -1;  // the standard output as it was

void say(const Json& json) {
  const std::string text = dump(json) + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(report_to, text.data() + done, text.size() - done);
    if (wrote <= 0) _exit(1);  // nobody listens
    done += static_cast<size_t>(wrote);
  }
}

// A library that calls exit() gets here first: later handlers belong to LibTorch and may wait for a
// lock that this thread holds.
void told_to_exit(int code, void*) {
  say({{"exit", code}});
  _exit(0);
}

void prepare() {
  report_to = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // what a library prints is not ours
  prctl(PR_SET_PDEATHSIG, SIGKILL);    // a hanging library must not outlive who asked
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // A sanitizer's handlers would turn a crash into an exit.
  for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(s, SIG_DFL);
  on_exit(told_to_exit, nullptr);
}

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
  prepare();
  say({{"ready", true}});
  for (const auto& library : libraries) describe(library);
  _exit(0);
}

}  // namespace hilum::plugins
