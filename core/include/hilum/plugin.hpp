// SPDX-License-Identifier: Apache-2.0
// A plugin is one shared library <kind>_<name>.so with one HILUM_PLUGIN block. No static
// constructors and no TORCH_LIBRARY: registration is a call on an object that the plugin is handed.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "hilum/backbone.hpp"
#include "hilum/slots.hpp"
#include "hilum/stamp.hpp"

namespace hilum {

/// A registered plugin: its declaration, and its factory with the type erased.
struct Plugin : Declaration {
  std::function<void(const Values&, Graph&)> build;                       // a backbone
  std::function<std::shared_ptr<Part>(const Values&, const Site&)> make;  // the others
};

class Registrar {
 public:
  /// P has Options, static schema(), and either static build(const Options&, Graph&) (a backbone)
  /// or a constructor P(const Options&, const Site&). `source`: the paper or page it follows.
  template <class P>
  void add(std::string name, std::string version, std::string summary, std::string source = "") {
    const auto schema = P::schema();
    Plugin p;
    p.kind = kind<P>();
    p.name = std::move(name), p.version = std::move(version);
    p.summary = std::move(summary), p.source = std::move(source);
    p.parameters = schema.parameters;
    p.validate = [schema](const Values& values, const std::string& what, const std::string& where,
                          Problems& problems, const Strings& also_known) {
      (void)schema.parse(values, what, where, problems, also_known);
    };
    if constexpr (std::derived_from<P, Part>)
      p.make = [schema](const Values& v, const Site& at) {
        return std::make_shared<P>(schema.parse(v), at);
      };
    else
      p.build = [schema](const Values& v, Graph& graph) { P::build(schema.parse(v), graph); };
    plugins.push_back(std::move(p));
  }
  std::vector<Plugin> plugins;

 private:
  template <class P>
  static const char* kind() {
    if constexpr (std::derived_from<P, Fusion>)
      return "fusion";
    else if constexpr (std::derived_from<P, Regularizer>)
      return "regularizer";
    else if constexpr (std::derived_from<P, Head>)
      return "head";
    else
      return "backbone";
  }
};

}  // namespace hilum

/// HILUM_PLUGIN(r) { r.add<UNet>("unet", "1.0", "U-Net, 2D or 3D"); }
/// Exports the stamp, read before loading, and the entry, which lets no exception across.
#define HILUM_PLUGIN(registrar)                                                   \
  static void hilum_plugin_body(hilum::Registrar&);                               \
  extern "C" {                                                                    \
  HILUM_API extern const char HILUM_STAMP;                                        \
  const char HILUM_STAMP = 1;                                                     \
  HILUM_API void hilum_plugin(hilum::Registrar& r, std::string& error) noexcept { \
    try {                                                                         \
      hilum_plugin_body(r);                                                       \
    } catch (const std::exception& e) {                                           \
      error = e.what();                                                           \
    } catch (...) {                                                               \
      error = "threw something that is not a std::exception";                     \
    }                                                                             \
  }                                                                               \
  }                                                                               \
  static void hilum_plugin_body(hilum::Registrar& registrar)
