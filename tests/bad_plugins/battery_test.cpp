// SPDX-License-Identifier: Apache-2.0
// The battery finds every planted fault, in the real engine's child process, and finds nothing in a
// sound plugin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "core/plugins/trial.hpp"

namespace hilum::plugins {
namespace {
using testing::HasSubstr;
using testing::IsEmpty;
using State = Finding::State;

struct Planted {
  std::string library, check;
  Strings words;  // all of them are in what came out or in what to look at
};

const std::vector<Planted>& planted() {
  static const std::vector<Planted> all{
      {"fusion_no_help", "help", {"no help text", ".add(\"scale\""}},
      {"fusion_bad_rule", "defaults", {"'scale' must be above 1", "its own default"}},
      {"fusion_bad_limit", "limits", {"throws: nothing would be mixed in"}},
      {"fusion_idle_option", "effects", {"nothing changed", "Options::unused"}},
      {"fusion_throw", "shapes", {"throws: one is no number"}},
      {"fusion_odd_sizes", "size", {"comes out", "a resize that rounds"}},
      {"regularizer_overflow", "logits", {"not finite", "softplus"}},
      {"regularizer_needs_guide", "guide", {"'raw' is there for a guide that is not"}},
      {"head_no_probability", "outputs", {"'probability' leaves [0, 1]"}},
      {"head_learns_nan", "unknown", {"'mse' is not finite", "isfinite"}},
      {"fusion_idle_parameter", "gradients", {"'idle' received no gradient"}},
      {"fusion_unregistered", "registered", {"is no parameter of the module", "register_module"}},
      {"fusion_wrong_gradient", "differences", {"parameter 'mix.weight'", "input 1", "backward"}},
      {"fusion_random", "repeats", {"after the step", "Random numbers"}},
      {"fusion_eval_dropout", "eval", {"the second time", "is_training()"}},
      {"fusion_batch_norm", "batch", {"sample 0 alone", "dimension 0"}},
      {"fusion_shared_state", "instances", {"'mix.weight' of one is 'mix.weight' of the other"}},
      {"fusion_scratch", "threads", {"beside the other thread", "without a lock"}},
      {"fusion_unsaved", "save_load", {"with the same state", "register_buffer"}},
      {"fusion_layout", "layout", {"not contiguous", "contiguous()"}},
      {"fusion_cancels", "autocast", {"output 0 is off by", "x.to(torch::kFloat)"}},
      {"fusion_baked_size", "trace", {"the trace", "baked in"}},
      {"fusion_leak", "leaks", {"bytes of tensors stay after each pass"}},
      {"fusion_crash", "defaults", {"crashed with signal 11 (SIGSEGV)", "gdb"}},
      {"fusion_exit", "defaults", {"called exit(7)"}},
      {"fusion_hang", "defaults", {"hangs: no end after 2 s", "--patience"}},
  };
  return all;
}

class Battery : public testing::Test {
 protected:
  std::vector<Finding> tried(const std::string& library, const Strings& only = {}) {
    const auto file = std::filesystem::path(HILUM_FAULTS_DIR) / (library + ".so");
    return try_plugin(Catalog::from_file(file),
                      {.engine = HILUM_ENGINE, .patience = std::chrono::seconds(2), .only = only});
  }
  static const Finding* find(const std::vector<Finding>& all, const std::string& check) {
    for (const auto& f : all)
      if (f.check == check) return &f;
    return nullptr;
  }
};

TEST_F(Battery, FindsEveryPlantedFault) {
  for (const auto& [library, check, words] : planted()) {
    SCOPED_TRACE(library);
    const auto start = std::chrono::steady_clock::now();
    const auto all = tried(library);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
    const Finding* found = find(all, check);
    ASSERT_TRUE(found);
    EXPECT_EQ(to_text(found->state), "wrong") << check << " passed";
    for (const auto& word : words)
      EXPECT_THAT(found->found + " " + found->look, HasSubstr(word)) << found->tried;
    EXPECT_THAT(found->tried + found->found, testing::Not(IsEmpty()));
  }
}

TEST_F(Battery, FindsNothingInASoundPlugin) {
  for (const auto& f : tried("fusion_sound"))
    EXPECT_THAT(to_text(f.state), testing::AnyOf("ok", "skipped"))
        << f.check << ": " << f.found << ", tried " << f.tried;
}

TEST_F(Battery, GoesOnAfterACheckThatEndsTheProcess) {
  const auto all = tried("fusion_crash");
  EXPECT_EQ(find(all, "help")->state, State::ok);
  int ends = 0;
  for (const auto& f : all) ends += f.state == State::wrong;
  EXPECT_EQ(ends, 3) << "the third end is the last";
  EXPECT_EQ(all.back().state, State::untried);
  const auto hung = tried("fusion_hang");
  EXPECT_EQ(find(hung, "defaults")->state, State::wrong);
  EXPECT_EQ(find(hung, "limits")->state, State::untried) << "after a hang nothing is tried";
}

TEST_F(Battery, MakesOneCheckAloneAndKnowsItsNames) {
  const auto one = tried("fusion_leak", {"help"});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].state, State::ok);
  try {
    (void)tried("fusion_leak", {"laeks"});
    FAIL() << "a check that there is not was made";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault, Fault::request);
    EXPECT_THAT(e.what(), HasSubstr("Did you mean 'leaks'?"));
  }
}

}  // namespace
}  // namespace hilum::plugins
