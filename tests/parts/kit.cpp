// SPDX-License-Identifier: Apache-2.0
#include "kit.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "core/model/weights.hpp"

namespace hilum::kit {
namespace fs = std::filesystem;

void use_parts() {
  static const bool once = [] {
    const char* before = std::getenv("HILUM_PLUGIN_PATH");
    const std::string path =
        std::string(HILUM_PARTS_DIR) + (before ? ":" : "") + (before ? before : "");
    setenv("HILUM_PLUGIN_PATH", path.c_str(), 1);
    setenv("HILUM_CACHE", HILUM_TEST_CACHE, 0);
    return true;
  }();
  (void)once;
}

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "hilum_test_XXXXXX").string();
  path_ = mkdtemp(name.data());
}
Folder::~Folder() { fs::remove_all(path_); }

fs::path Folder::write(const std::string& name, std::string_view text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
  return path_ / name;
}

Assembled read(const std::string& toml) {
  use_parts();
  const Folder folder;
  Assembled a;
  const auto document = config::Document::load(folder.write("exp.toml", toml), {});
  a.experiment = config::read(document, [&](const config::PluginOptions& options) {
    a.plugins = plugins::loader_for(options, document.file);
    return plugins::loaded_lookup(a.plugins);
  });
  return a;
}

Assembled assemble(const std::string& toml, const model::InputShapes& inputs) {
  Assembled a = read(toml);
  a.model = model::assemble(a.experiment, *a.plugins,
                            inputs.empty() ? model::input_shapes(a.experiment.data) : inputs);
  return a;
}

const model::OpInfo& op(const model::Model& model, const std::string& name) {
  for (const auto& info : model.ops())
    if (info.op.name == name) return info;
  throw std::out_of_range("no operation " + name);
}

Strings reads(const model::Model& model, const std::string& name) {
  Strings names;
  for (const auto& read : op(model, name).op.reads)
    names.push_back(model.ops().at(static_cast<size_t>(read.op)).op.name);
  return names;
}

torch::Tensor tensor(const model::Model& model, const std::string& name) {
  return model::state(model).at(name);
}

const Plugin& plugin(const std::string& address) {
  static auto* const loader = [] {
    use_parts();
    return new plugins::Loader();  // never unloaded, as in the program
  }();
  const auto slash = address.find('/');
  return loader->load(address.substr(0, slash), address.substr(slash + 1));
}

model::Alone alone(const std::string& address, const std::map<std::string, Data>& options,
                   const Named& inputs) {
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  return {plugin(address), values, inputs};
}

}  // namespace hilum::kit
