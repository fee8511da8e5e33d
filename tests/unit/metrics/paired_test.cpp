// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/paired.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/metrics/classification.hpp"
#include "core/metrics/statistics.hpp"
#include "core/util/random.hpp"
#include "hilum/error.hpp"

// Reference figures: scipy 1.17.1 and numpy 2.4.6, by the calls beside them.
namespace hilum::metrics {
namespace {

using ::testing::HasSubstr;
using Values = std::vector<double>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// What it throws, or "" where it does not or where the fault is another than `work`.
template <class Call>
std::string complaint(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.fault == Fault::work ? e.what() : "";
  }
  return "";
}

/// Differences of sizes 0.25, 0.5, ...: no ties, no zeros.
Values plain(int n) {
  Values d;
  for (int i = 0; i < n; ++i) d.push_back((i + 1) * ((i * i * 7 + 3 * i) % 5 < 2 ? -0.25 : 0.25));
  return d;
}

/// Quarters between -1.75 and 3.75, with ties and zeros.
Values tied(int n) {
  Values d;
  for (int i = 0; i < n; ++i) d.push_back(((i * 37 + 11) % 23 - 7) * 0.25);
  return d;
}

const Values kGains = {0.031,  -0.012, 0.044, 0.007,  0.025, -0.003, 0.018,  0.052,
                       -0.021, 0.009,  0.013, -0.006, 0.027, 0.001,  -0.016, 0.038};

Values first(const Values& values, size_t n) { return {values.begin(), values.begin() + n}; }

double mean_of(const Values& values, std::span<const size_t> drawn) {
  Values picked;
  for (const size_t i : drawn) picked.push_back(values[i]);
  return mean(picked);
}

TEST(Wilcoxon, IsExactUpToFiftyWithoutTies) {  // wilcoxon(d)
  EXPECT_NEAR(wilcoxon(plain(8)), 0.84375, 1e-12);
  EXPECT_NEAR(wilcoxon(plain(13)), 0.684814453125, 1e-12);
  EXPECT_NEAR(wilcoxon(plain(23)), 0.5009052753448486, 1e-12);
  EXPECT_NEAR(wilcoxon(plain(50)), 0.13045894629165566, 1e-12);
}

TEST(Wilcoxon, IsApproximateAboveOrWithTiesAndZeros) {  // wilcoxon(d, correction=False)
  EXPECT_NEAR(wilcoxon(plain(51)), 0.2159766086943632, 1e-12);
  EXPECT_NEAR(wilcoxon(plain(80)), 0.07438811282521489, 1e-12);
  EXPECT_NEAR(wilcoxon(tied(20)), 0.04407969994283246, 1e-12);
  EXPECT_NEAR(wilcoxon(tied(60)), 5.4577295694684635e-05, 1e-15);
  Values d = plain(20);
  d[4] = 0;
  EXPECT_NEAR(wilcoxon(d), 0.24320097107575667, 1e-12);
}

TEST(Wilcoxon, IsExactForFewWhateverTheirTies) {
  EXPECT_NEAR(wilcoxon(tied(8)), 0.171875, 1e-12);  // wilcoxon(d), which permutes
  EXPECT_NEAR(wilcoxon(tied(12)), 0.0517578125, 1e-12);
  // Five gains cannot be told from chance below 2 / 2^5; the approximation says 0.043.
  Values d(15, 0.0);
  d.insert(d.end(), {0.1, 0.2, 0.3, 0.4, 0.5});
  EXPECT_NEAR(wilcoxon(d), 0.0625, 1e-12);  // wilcoxon(d[15:])
  EXPECT_EQ(wilcoxon(Values(9, 0.0)), 1);
}

TEST(Permutation, EnumeratesUpToSixteen) {
  // permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
  EXPECT_NEAR(permutation(first(kGains, 6)), 0.1875, 1e-12);
  EXPECT_NEAR(permutation(first(kGains, 8)), 0.046875, 1e-12);
  EXPECT_NEAR(permutation(first(kGains, 12)), 0.06787109375, 1e-12);
  EXPECT_NEAR(permutation(kGains), 0.0340576171875, 1e-12);
  EXPECT_NEAR(permutation(tied(12)), 0.0537109375, 1e-12);
  EXPECT_NEAR(permutation(tied(16)), 0.034423828125, 1e-12);
  EXPECT_EQ(permutation(Values(30, 0.0)), 1);
  // 0.1 + 0.2 is not 0.3 to the last digit; by hand, all of the 8 sums but 2 are as far as 0.2.
  EXPECT_EQ(permutation(Values{0.1, -0.2, 0.3}), 0.75);
}

TEST(Permutation, FlipsAtRandomAbove) {  // the same flips in Python
  EXPECT_NEAR(permutation(tied(30), 999, 3), 0.004, 1e-12);
  EXPECT_NEAR(permutation(plain(80), 999, 3), 0.093, 1e-12);
  // permutation_test(..., n_resamples=99999, rng=1), within four standard errors
  EXPECT_NEAR(permutation(plain(80)), 0.07596, 4 * std::sqrt(0.076 * 0.924 / 10000));
  EXPECT_EQ(permutation(Values(40, 1.0), 999), 0.001) << "never 0";
}

TEST(Holm, AdjustsInTheOrderGiven) {  // by hand
  const auto p = holm(Values{0.01, 0.04, kNan, 0.03, 0.005, 0.6});
  const Values expected{0.04, 0.09, kNan, 0.09, 0.025, 0.6};
  EXPECT_THAT(p, ::testing::Pointwise(::testing::NanSensitiveDoubleNear(1e-15), expected));
  EXPECT_EQ(holm(Values{0.7, 0.8}), (Values{1, 1}));
  EXPECT_TRUE(holm({}).empty());
}

TEST(Bootstrap, IsThePercentileInterval) {
  // numpy.percentile of the means, or medians, of the same resamples drawn in Python
  const auto means =
      bootstrap(16, [](std::span<const size_t> drawn) { return mean_of(kGains, drawn); });
  EXPECT_NEAR(means.low, 0.003, 1e-12);
  EXPECT_NEAR(means.high, 0.023253124999999982, 1e-12);
  const auto medians = bootstrap(
      16,
      [](std::span<const size_t> drawn) {
        Values picked;
        for (const size_t i : drawn) picked.push_back(kGains[i]);
        return percentile(picked, 50);
      },
      777, 0.9, 5);
  EXPECT_NEAR(medians.low, -0.001, 1e-12);
  EXPECT_NEAR(medians.high, 0.026000000000000002, 1e-12);
}

TEST(Bootstrap, DrawsAgainWhatIsNotDefined) {
  const Values values{3, -1, -2, -4};
  int calls = 0;
  const auto interval = bootstrap(
      4,
      [&](std::span<const size_t> drawn) {
        ++calls;
        const bool defined = std::ranges::count(drawn, size_t{0}) > 0;
        return defined ? mean_of(values, drawn) : kNan;
      },
      500, 0.95, 1);
  EXPECT_NEAR(interval.low, -2.25, 1e-12);
  EXPECT_NEAR(interval.high, 1.8812499999999943, 1e-12);
  EXPECT_NEAR(calls, 500 / (1 - std::pow(0.75, 4)), 60);
  calls = 0;
  const auto never = bootstrap(
      4, [&](auto) { return ++calls, kNan; }, 500);
  EXPECT_TRUE(std::isnan(never.low) && std::isnan(never.high));
  EXPECT_EQ(calls, 5000);
}

/// Scores with ties of two models and a truth that they share.
struct Cases {
  Values a, b, truth;
};
Cases cases(int n) {
  Cases c;
  for (int i = 0; i < n; ++i) {
    const double t = (i * i * 3 + i) % 7 < 3;
    c.truth.push_back(t);
    c.a.push_back((i * 29 + 5) % 31 / 32.0 + t * 0.25);
    c.b.push_back((i * 17 + 3) % 13 / 16.0 + t * 0.375);
  }
  return c;
}

void expect_delong(int n, const Delong& expected) {
  const Cases c = cases(n);
  const Delong found = delong(c.a, c.b, c.truth);
  EXPECT_NEAR(found.auc_a, expected.auc_a, 1e-12) << n;
  EXPECT_NEAR(found.auc_b, expected.auc_b, 1e-12) << n;
  EXPECT_NEAR(found.variance, expected.variance, 1e-12) << n;
  EXPECT_NEAR(found.p, expected.p, 1e-12) << n;
  EXPECT_NEAR(found.auc_a, auc(c.a, c.truth), 1e-12) << n;
}

TEST(DelongTest, MatchesStructuralComponents) {
  // the m x n comparisons psi(x, y) in numpy, numpy.cov of their row and column means
  expect_delong(12,
                {0.6714285714285714, 0.6428571428571429, 0.06755102040816327, 0.9124649361740396});
  expect_delong(
      40, {0.7493606138107417, 0.8375959079283888, 0.011389521767078492, 0.40836216637829925});
  expect_delong(
      150, {0.7140261627906976, 0.8336664244186046, 0.0027677655543236037, 0.022958984535948534});
}

TEST(DelongTest, EqualRanksAreNoDifference) {
  const Cases c = cases(40);
  Values stretched = c.a;
  for (double& s : stretched) s = 3 * s * s * s - 1;
  const Delong d = delong(c.a, stretched, c.truth);
  EXPECT_EQ(d.auc_a, d.auc_b);
  EXPECT_EQ(d.variance, 0);
  EXPECT_EQ(d.p, 1);
  // One case alone of its class: two AUCs, but no way to tell how far they spread.
  const Delong one = delong(Values{1, 2, 3}, Values{3, 2, 1}, Values{0, 0, 1});
  EXPECT_EQ(one.auc_a, 1);
  EXPECT_EQ(one.auc_b, 0);
  EXPECT_TRUE(std::isnan(one.variance) && std::isnan(one.p));
}

TEST(Paired, RefusesWhatCannotBeCompared) {
  const Values bad{0.1, kNan, 0.2};
  const auto zero = [](auto) { return 0.0; };
  EXPECT_THAT(complaint([&] { wilcoxon(bad); }), HasSubstr("difference 1 of 3 is 'nan'"));
  EXPECT_THAT(complaint([&] { permutation(bad); }), HasSubstr("difference 1 of 3 is 'nan'"));
  EXPECT_THAT(complaint([&] { wilcoxon({}); }), HasSubstr("no differences"));
  EXPECT_THAT(complaint([&] { permutation({}); }), HasSubstr("no differences"));
  EXPECT_THAT(complaint([&] { permutation(kGains, 0); }), HasSubstr("resamples is 0"));
  EXPECT_THAT(complaint([&] { bootstrap(0, zero); }), HasSubstr("0 groups"));
  EXPECT_THAT(complaint([&] { bootstrap(3, zero, 0); }), HasSubstr("resamples is 0"));
  EXPECT_THAT(complaint([&] { bootstrap(3, zero, 10, 95); }), HasSubstr("level is 95"));
  EXPECT_THAT(complaint([&] { holm(Values{0.1, 1.5}); }), HasSubstr("p 1 of 2 is 1.5"));
  const Values s{1, 2, 3}, t{0, 1, 1};
  EXPECT_THAT(complaint([&] { delong(s, Values{1, 2}, t); }), HasSubstr("3 and 2 scores for 3"));
  EXPECT_THAT(complaint([&] { delong(s, bad, t); }), HasSubstr("score 1 of 3 of model b is 'nan'"));
  EXPECT_THAT(complaint([&] { delong(s, s, bad); }), HasSubstr("truth 0 of 3 is '0.1'"));
  EXPECT_THAT(complaint([&] { delong(s, s, Values{1, 1, 1}); }), HasSubstr("no case of class 0"));
  EXPECT_THAT(complaint([&] { delong(s, s, Values{0, 0, 0}); }), HasSubstr("no case of class 1"));
  EXPECT_THAT(complaint([&] { delong({}, {}, {}); }), HasSubstr("no case of class 0"));
}

// Simulations: a test at 5 % rejects two models that are the same about once in twenty.
constexpr int kSimulations = 2000;
void expect_one_in_twenty(int rejected, const char* test) {
  EXPECT_LE(rejected, 0.07 * kSimulations) << test;
  EXPECT_GE(rejected, 0.03 * kSimulations) << test;
}

Values no_effect(util::Random& random, int patients) {
  Values d;
  for (int i = 0; i < patients; ++i) d.push_back(random.normal() - random.normal());
  return d;
}

TEST(PairedSimulation, TestsKeepTheirLevel) {
  util::Random random({11});
  int by_rank = 0, by_flip = 0;
  for (int i = 0; i < kSimulations; ++i) {
    const Values d = no_effect(random, 30);
    by_rank += wilcoxon(d) < 0.05;
    by_flip += permutation(d, 999, static_cast<uint64_t>(i)) <= 0.05;
  }
  expect_one_in_twenty(by_rank, "wilcoxon");
  expect_one_in_twenty(by_flip, "permutation");
}

TEST(PairedSimulation, HolmKeepsTheFamilysLevel) {
  util::Random random({12});
  int any_adjusted = 0, any = 0;
  for (int i = 0; i < kSimulations; ++i) {
    Values p;
    for (int row = 0; row < 5; ++row) p.push_back(wilcoxon(no_effect(random, 30)));
    any += std::ranges::min(p) < 0.05;
    any_adjusted += std::ranges::min(holm(p)) < 0.05;
  }
  expect_one_in_twenty(any_adjusted, "holm");
  EXPECT_GT(any, 0.15 * kSimulations) << "five tests as they are";
}

TEST(PairedSimulation, DelongKeepsItsLevel) {
  util::Random random({13});
  int rejected = 0;
  for (int i = 0; i < kSimulations; ++i) {
    Values a, b, truth;
    for (int k = 0; k < 80; ++k) {  // two readers of one malignancy, each with noise of its own
      truth.push_back(k % 2);
      const double shared = random.normal() + k % 2;
      a.push_back(shared + random.normal());
      b.push_back(shared + random.normal());
    }
    rejected += delong(a, b, truth).p < 0.05;
  }
  expect_one_in_twenty(rejected, "delong");
}

TEST(PairedSimulation, BootstrapCoversTheMean) {
  util::Random random({14});
  int covered = 0;
  for (int i = 0; i < kSimulations; ++i) {
    Values sample(40);
    for (double& x : sample) x = 0.8 + 0.1 * random.normal();
    const auto [low, high] = bootstrap(
        sample.size(), [&](std::span<const size_t> drawn) { return mean_of(sample, drawn); }, 500,
        0.95, static_cast<uint64_t>(i));
    covered += low <= 0.8 && 0.8 <= high;
  }
  EXPECT_GE(covered, 0.90 * kSimulations);
  EXPECT_LE(covered, 0.97 * kSimulations);
}

}  // namespace
}  // namespace hilum::metrics
