// SPDX-License-Identifier: Apache-2.0
#include "core/config/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {
using namespace hilum::config;
using hilum::Parameter;
using hilum::Values;

template <class Options>
void expect_sound() {
  const auto schema = Options::schema();
  EXPECT_NO_THROW(schema.parse(Values{}));
  Values defaults;
  for (const auto& parameter : schema.parameters) {
    EXPECT_FALSE(parameter.help.empty()) << parameter.name;
    EXPECT_FALSE(defaults.contains(parameter.name)) << parameter.name << " is declared twice";
    defaults[parameter.name] = {parameter.fallback, ""};
  }
  EXPECT_NO_THROW(schema.parse(defaults)) << "a default is outside its own limits";
}

TEST(Options, EveryDefaultPassesItsOwnLimitsAndHasHelp) {
  expect_sound<ExperimentOptions>();
  expect_sound<PluginOptions>();
  expect_sound<DataOptions>();
  expect_sound<TrainOptions>();
}

Validation validation_of(const std::string& val) {
  DataOptions options;
  options.fold = 0;
  options.val = val;
  return validation(options);
}

TEST(Validation, IsNoneAFractionOrAFold) {
  EXPECT_EQ(validation_of("none").kind, Validation::Kind::none);
  EXPECT_EQ(validation_of("0.2").kind, Validation::Kind::fraction);
  EXPECT_EQ(validation_of("0.2").fraction, 0.2);
  EXPECT_EQ(validation_of("1").kind, Validation::Kind::fold);
  EXPECT_EQ(validation_of("1").fold, "1");
}

TEST(Validation, NonsenseIsARequestsErrorWithTheValue) {
  for (const auto* bad : {"", "maybe", "1.5", "0.0", "1.0", "-1", "-0.2", "nan", "0.2x"}) try {
      validation_of(bad);
      ADD_FAILURE() << "accepted '" << bad << "'";
    } catch (const hilum::Error& error) {
      EXPECT_EQ(error.fault, hilum::Fault::request);
      EXPECT_THAT(error.what(), testing::HasSubstr("'" + std::string(bad) + "'"));
    }
}

TEST(Validation, CannotBeTheTestedFold) {
  try {
    validation_of("0");
    FAIL() << "the tested fold was accepted for validation";
  } catch (const hilum::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("Fold 0 is tested"));
  }
}

}  // namespace
