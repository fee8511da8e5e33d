// SPDX-License-Identifier: Apache-2.0
// Every plugin passes the battery of `hilum plugins check` (core/author/battery). To try one alone:
//   build/tests/contract_test --gtest_filter='*backbone_unet*'
#include "contract.hpp"

#include <gtest/gtest.h>

#include "core/author/battery/battery.hpp"

namespace hilum::contract {
namespace {

struct Try {
  std::string address, check;
};

// A check a test, from the names alone: the plugins are loaded when the tests run.
std::vector<Try> all() {
  std::vector<Try> tries;
  for (const auto& address : addresses())
    for (const auto& check : author::battery(address.substr(0, address.find('/'))))
      tries.push_back({address, check.name});
  return tries;
}

std::string name_of(const ::testing::TestParamInfo<Try>& info) {
  std::string name = info.param.address + "_" + info.param.check;
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

class Contract : public ::testing::TestWithParam<Try> {};

TEST_P(Contract, Holds) {
  const auto finding = author::perform(GetParam().check, plugin(GetParam().address));
  if (finding.state == plugins::Finding::State::skipped) GTEST_SKIP() << finding.found;
  EXPECT_EQ(plugins::to_text(finding.state), "ok")
      << finding.meaning << "\ntried: " << finding.tried << "\nfound: " << finding.found
      << "\nlook at: " << finding.look;
}

INSTANTIATE_TEST_SUITE_P(All, Contract, ::testing::ValuesIn(all()), name_of);
}  // namespace
}  // namespace hilum::contract
