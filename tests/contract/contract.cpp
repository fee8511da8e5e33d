// SPDX-License-Identifier: Apache-2.0
#include "contract.hpp"

#include "tests/parts/kit.hpp"

namespace hilum::contract {

plugins::Loader& loader() {
  static auto* const all = [] {
    kit::use_parts();
    return new plugins::Loader();  // never unloaded, as in the program
  }();
  return *all;
}

Strings addresses() {
  Strings all;
  for (const auto& entry : loader().catalog().entries()) all.push_back(entry.address());
  return all;
}

Strings of_kind(const std::string& kind) {
  Strings all = addresses();
  std::erase_if(all, [&](const std::string& a) { return !a.starts_with(kind + "/"); });
  return all;
}

const Plugin& plugin(const std::string& address) {
  const auto slash = address.find('/');
  return loader().load(address.substr(0, slash), address.substr(slash + 1));
}

}  // namespace hilum::contract
