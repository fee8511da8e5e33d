// SPDX-License-Identifier: Apache-2.0
// What tests of models share: experiments from TOML text, assembled with the tests' own parts.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/model/alone.hpp"
#include "core/model/model.hpp"

namespace hilum::kit {

/// Puts the tests' parts on HILUM_PLUGIN_PATH, and the cache of descriptions into the build tree.
/// The functions below do it themselves.
void use_parts();

/// A folder of its own, gone at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path write(const std::string& name, std::string_view text) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Assembled {
  config::Experiment experiment;
  std::shared_ptr<plugins::Loader> plugins;
  std::shared_ptr<model::Model> model;
  model::Model* operator->() const { return model.get(); }
};

/// The checked experiment from text in a file "exp.toml"; parts are loaded as `hilum run` does.
Assembled read(const std::string& toml);
/// Read and assembled, for images of [data] or, if given, for `inputs`.
Assembled assemble(const std::string& toml, const model::InputShapes& inputs = {});

/// The operation of that name, or a test failure by std::out_of_range.
const model::OpInfo& op(const model::Model& model, const std::string& name);
/// Names of the operations that an operation reads, in order.
Strings reads(const model::Model& model, const std::string& name);
/// A parameter or buffer by its full name.
torch::Tensor tensor(const model::Model& model, const std::string& name);

/// Any plugin that is searched: "fusion/concat". The same object for the whole program.
const Plugin& plugin(const std::string& address);
/// One plugin as a function of named tensors, in train mode; `inputs` give the shapes:
///   auto std = kit::alone("regularizer/std", {{"sigma", 2.0}}, {{"u", u}});
///   std.forward({{"u", u}}).at("z")
model::Alone alone(const std::string& address, const std::map<std::string, Data>& options,
                   const Named& inputs);

/// The Error that `work` throws; a message of its own where it throws none.
template <class Work>
Error error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error("nothing was thrown");
}

}  // namespace hilum::kit
