// SPDX-License-Identifier: Apache-2.0
// A plugin author's shell: Hilum on the PATH, the compiler and the ccache of this build.
#pragma once
#include <cstdlib>

#include "tests/cli/program.hpp"

namespace hilum::testing {

class Author : public Program {
 protected:
  static fs::path own_bin() { return fs::path(HILUM_PROGRAM).parent_path(); }

  /// Runs `script` with bash in `folder`; `bin` comes first on the PATH. Where it ends is where the
  /// next one without a folder begins.
  Outcome shell(const std::string& script, fs::path folder = {}, const fs::path& bin = own_bin()) {
    if (folder.empty()) folder = here_.empty() ? root : here_;
    const fs::path place = root / "streams" / "place";
    const Launch launch{.env = environment(bin), .cwd = folder};
    const std::string bash = "set -o pipefail\n" + script + "\ncode=$?\npwd > '" + place.string() +
                             "'\nexit $code";  // of its last command
    const auto outcome = Process({"/bin/bash", "-c", bash}, launch,
                                 root / "streams" / ("shell" + std::to_string(++shells_)))
                             .wait(600);
    if (outcome.code == 0) here_ = text_of(place).substr(0, text_of(place).find('\n'));
    return outcome;
  }
  /// It ends well; what it printed.
  std::string done(const std::string& script, const fs::path& folder = {},
                   const fs::path& bin = own_bin()) {
    const auto outcome = shell(script, folder, bin);
    EXPECT_EQ(outcome.code, 0) << script << "\n" << outcome.all();
    return outcome.all();
  }
  const fs::path& here() const { return here_; }

 private:
  Strings environment(const fs::path& bin) const {
    const std::string path = std::getenv("PATH");
    Strings env{"PATH=" + (bin.empty() ? path : bin.string() + ":" + path),
                "HILUM_RUNS=" + runs().string(),
                "HILUM_PLUGIN_PATH=",
                "HILUM_CACHE=" + (root / "cache").string(),
                "CMAKE_GENERATOR=" HILUM_GENERATOR,
                "CXX=" HILUM_CXX,
                "CCACHE_NOHASHDIR=1",
                "CCACHE_BASEDIR=" + root.string(),
                "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"};
    if (std::string(HILUM_CCACHE).size())
      env.push_back("CMAKE_CXX_COMPILER_LAUNCHER=" HILUM_CCACHE);
    return env;
  }
  fs::path here_;
  int shells_ = 0;
};

}  // namespace hilum::testing
