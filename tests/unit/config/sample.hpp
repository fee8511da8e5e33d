// SPDX-License-Identifier: Apache-2.0
// A typical experiment, plugins that exist only as declarations, and a folder to write files in.
#pragma once
#include <filesystem>
#include <string>

#include "core/config/experiment.hpp"

namespace hilum::testing {

extern const char* const kSample;

/// backbones unet and resnet50, fusions conv1x1 and concat, regularizer std, heads segmentation and
/// binary_nodule. A backbone called 'broken' cannot be loaded.
config::Lookup fake_lookup(const config::PluginOptions& options);

/// A folder of its own, which is the working directory while it lives.
class Folder {
 public:
  Folder();
  ~Folder();
  std::filesystem::path write(const std::string& name, const std::string& text) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_, before_;
};

/// The checked experiment from text in "exp.toml".
config::Experiment read_text(const std::string& text, const Strings& overrides = {});
/// The message of the Error that reading throws, which must be a request's; "" if it does not
/// throw.
std::string problems_of(const std::string& text, const Strings& overrides = {});
/// kSample with one line changed.
std::string sample_with(const std::string& line, const std::string& instead);
/// The value under a key of Experiment::parameters, as TOML.
std::string parameter(const config::Experiment& experiment, const std::string& key);

}  // namespace hilum::testing
