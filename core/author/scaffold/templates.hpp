// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace hilum::author {

/// A file of examples/plugins/<kind>/<name>/. Kind and name are empty for what every kind gets, in
/// which @KIND@ and @NAME@ stand for them.
struct Template {
  std::string kind, name, file, text;
};
const std::vector<Template>& templates();

}  // namespace hilum::author
