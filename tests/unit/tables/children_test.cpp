// SPDX-License-Identifier: Apache-2.0
// Several processes at once.
#include "core/tables/children.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <map>
#include <thread>

namespace hilum::tables {
namespace {

using Clock = std::chrono::steady_clock;

std::function<Next()> shell(const std::vector<std::string>& scripts, size_t& given) {
  return [&scripts, &given]() -> Next {
    if (given == scripts.size()) return {};
    const size_t i = given++;
    return {i, {"/bin/sh", "-c", scripts[i]}};
  };
}

TEST(Children, EachEndsWithItsCode) {
  const std::vector<std::string> scripts = {"exit 0", "exit 3", "kill -9 $$", "exit 7"};
  for (const int64_t places : {1, 3}) {
    size_t given = 0;
    std::map<size_t, int> codes;
    EXPECT_TRUE(
        run_children(places, shell(scripts, given), [&](size_t i, int code) { codes[i] = code; }));
    EXPECT_EQ(codes, (std::map<size_t, int>{{0, 0}, {1, 3}, {2, 137}, {3, 7}})) << places;
  }
}

TEST(Children, WaitForEachOtherWhereNothingCanStart) {
  size_t given = 0;
  bool first_ended = false;
  const auto next = [&]() -> Next {
    if (given == 0 || (given == 1 && first_ended)) return {given++, {"/bin/sh", "-c", "exit 0"}};
    return {};
  };
  EXPECT_TRUE(run_children(4, next, [&](size_t, int) { first_ended = true; }));
  EXPECT_EQ(given, 2u);
}

TEST(Children, AreAskedOnceToStopAndWaitedFor) {
  // It ends by itself on the first SIGTERM, and would be gone at once by a second signal.
  const std::vector<std::string> scripts = {
      "trap 'sleep 0.3; exit 130' TERM; while :; do sleep 0.05; done", "exit 0"};
  size_t given = 0;
  std::map<size_t, int> codes;
  std::jthread stopper([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    std::raise(SIGINT);
  });
  const auto start = Clock::now();
  EXPECT_FALSE(run_children(1, shell(scripts, given), [&](size_t i, int c) { codes[i] = c; }));
  EXPECT_EQ(codes, (std::map<size_t, int>{{0, 130}})) << "and nothing else was started";
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(20));
}

TEST(Children, AProgramThatIsNotThereIsAnError) {
  size_t given = 0;
  EXPECT_THROW(run_children(
                   1,
                   [&]() -> Next {
                     return given++ ? Next{} : Next{0, {"/no/such/program"}};
                   },
                   [](size_t, int) {}),
               std::exception);
}

}  // namespace
}  // namespace hilum::tables
