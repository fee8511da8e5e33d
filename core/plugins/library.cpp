// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/library.hpp"

#include <boost/dll/shared_library.hpp>

#include <mutex>

#include "hilum/plugin.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;
using Entry_ = void(Registrar&, std::string&);

// Leaked on purpose: no library is ever unloaded. A tensor made by a plugin's autograd function, a
// hook or a factory may outlive everything that we could count, and its code must still be there;
// at exit, a library that goes before LibTorch's own globals crashes the program after its work is
// done.
boost::dll::shared_library& keep(boost::dll::shared_library library) {
  static auto* libraries = new std::vector<std::unique_ptr<boost::dll::shared_library>>();
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  return *libraries->emplace_back(std::make_unique<boost::dll::shared_library>(std::move(library)));
}

// dlopen's own words: Boost's error code says "Bad file descriptor" of everything.
std::string linker_message(const std::string& what) {
  static constexpr std::string_view kBefore = "dlerror system message: ";
  const size_t at = what.find(kBefore);
  if (at == std::string::npos) return "";
  const std::string text = what.substr(at + kBefore.size());
  return text.substr(0, text.rfind("): "));
}

// NOW: a missing symbol is an error here and not in the middle of training.
void load(const fs::path& library, boost::dll::shared_library& handle, Opened& opened) {
  namespace load_mode = boost::dll::load_mode;
  try {
    handle.load(library, load_mode::rtld_now | load_mode::rtld_local);
  } catch (const std::exception& e) {
    const std::string message = linker_message(e.what());
    opened.threw = message.empty();
    opened.failure =
        message.empty() ? Failure{Step::loads,
                                  std::string("throws while being loaded: ") + e.what(), kNoStatics}
                        : Failure{Step::loads, "cannot be loaded: " + message, ""};
  } catch (...) {
    opened.threw = true;
    opened.failure = Failure{Step::loads, "throws while being loaded", kNoStatics};
  }
}

// r.add makes all of it. Who fills Registrar::plugins by hand may leave out what would be called in
// the middle of a run.
std::optional<Failure> incomplete(const Plugin& plugin) {
  const bool made = plugin.kind == "backbone" ? plugin.build != nullptr : plugin.make != nullptr;
  if (made && plugin.validate) return std::nullopt;
  return Failure{Step::registers,
                 "registers the " + plugin.kind + " '" + plugin.name + "', which has no " +
                     (made ? "check of its options" : "factory"),
                 "Register it with r.add<...>(name, version, summary), which makes both."};
}

}  // namespace

Opened open_library(const fs::path& library, const std::function<void(Step)>& on_step) {
  Opened opened;
  if (on_step) on_step(Step::loads);
  boost::dll::shared_library handle;
  load(library, handle, opened);
  if (opened.failure) return opened;
  auto& kept = keep(std::move(handle));
  if (!kept.has("hilum_plugin")) {
    opened.failure = Failure{Step::entry, "has no entry 'hilum_plugin'", ""};
    return opened;
  }
  if (on_step) on_step(Step::registers);
  Registrar registrar;
  std::string error;
  kept.get<Entry_>("hilum_plugin")(registrar, error);
  if (!error.empty()) {
    opened.failure = Failure{Step::registers, "failed while registering: " + error, ""};
    return opened;
  }
  for (const auto& plugin : registrar.plugins)
    if ((opened.failure = incomplete(plugin))) return opened;
  for (auto& plugin : registrar.plugins)
    opened.plugins.push_back(std::make_shared<const Plugin>(std::move(plugin)));
  return opened;
}

const Declaration& declaration(const Plugin& plugin) { return plugin; }

}  // namespace hilum::plugins
