// SPDX-License-Identifier: Apache-2.0
// hilum bench: the time of a training step, and where it goes.
#include <map>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

class StepBench : public Program {};

TEST_F(StepBench, SaysWhereAStepsTimeGoes) {
  const auto b =
      json(Strings{"bench", kQuickstart, "--steps=4", "--warmup=1", "--profile"} + kTiny);
  EXPECT_EQ(b.at("steps"), 4);
  EXPECT_GT(b.at("samples_per_s").get<double>(), 0);
  EXPECT_GT(b.at("peak_bytes").get<double>(), 1e7);
  EXPECT_LE(b.at("low").get<double>(), b.at("median").get<double>());
  double phases = 0, works = 0;
  for (const auto& [name, seconds] : b.at("phases").items()) phases += seconds.get<double>();
  std::map<std::string, double> calls;
  for (const auto& work : b.at("work")) {
    works += work.at("seconds").get<double>();
    calls[work.at("name")] = work.at("calls");
  }
  EXPECT_LE(works, phases) << "operators are inside of the step";
  EXPECT_GT(works, phases / 20);
  // 2 levels: two convolutions each, as many on the way up, transposed ones between, a last one;
  // each is called once forward and once backward, by an operator that calls another.
  EXPECT_GE(calls["convolution"], 2 * 7);
  for (const char* kind : {"norm", "activation", "optimizer"}) EXPECT_GT(calls[kind], 0) << kind;
  EXPECT_FALSE(fs::exists(runs())) << "nothing is recorded";
}

TEST_F(StepBench, PrintsForPeopleAndRefusesWhatIsWrong) {
  const auto text = hilum(Strings{"bench", kQuickstart, "--steps=2", "--profile"} + kTiny);
  EXPECT_EQ(text.code, 0) << text.all();
  for (const char* words : {"samples/s", "wait for data", "backward", "optimizer", "convolution"})
    EXPECT_THAT(text.out, HasSubstr(words));
  const auto large = hilum(Strings{"bench", kQuickstart} + kTiny + Strings{"train.batch=4000"});
  EXPECT_EQ(large.code, 2) << large.all();
  EXPECT_THAT(large.err, HasSubstr("train.batch"));
  EXPECT_EQ(hilum({"bench", "none.toml"}).code, 2);
}

}  // namespace
}  // namespace hilum::testing
