// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/metrics/paired.hpp"
#include "core/util/random.hpp"
#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

constexpr size_t kExactRanks = 50, kExactTiedRanks = 13, kExactFlips = 16;

std::vector<double> without_zeros(std::span<const double> differences, const char* test) {
  if (differences.empty()) throw Error(fmt::format("{}: no differences to test.", test));
  std::vector<double> kept;
  for (size_t i = 0; i < differences.size(); ++i) {
    if (!std::isfinite(differences[i]))
      throw Error(fmt::format("{}: difference {} of {} is '{}', allowed are finite numbers.", test,
                              i, differences.size(), differences[i]));
    if (differences[i] != 0) kept.push_back(differences[i]);
  }
  return kept;
}

/// Doubled midranks, which are whole numbers, of the absolute differences: those of the positive
/// ones summed, all of them, and sum(t^3 - t) over the ties of t.
struct SignedRanks {
  std::vector<size_t> doubled;  // ascending
  size_t positive = 0;
  double ties = 0;
};

SignedRanks signed_ranks(std::vector<double> differences) {
  std::ranges::sort(differences, {}, [](double d) { return std::abs(d); });
  SignedRanks ranks;
  for (size_t first = 0; first < differences.size();) {
    size_t last = first;
    while (last < differences.size() && std::abs(differences[last]) == std::abs(differences[first]))
      ++last;
    const auto t = static_cast<double>(last - first);
    ranks.ties += t * t * t - t;
    const size_t rank = first + 1 + last;
    for (; first < last; ++first) {
      ranks.doubled.push_back(rank);
      if (differences[first] > 0) ranks.positive += rank;
    }
  }
  return ranks;
}

/// All 2^n signs are equally likely: a share of them, for every sum of positive ranks.
double exact_rank_p(const SignedRanks& ranks) {
  const size_t total = std::accumulate(ranks.doubled.begin(), ranks.doubled.end(), size_t{0});
  std::vector<double> share(total + 1);
  share[0] = 1;
  size_t reached = 0;
  for (const size_t rank : ranks.doubled) {
    reached += rank;
    for (size_t sum = reached + 1; sum-- > 0;)
      share[sum] = (share[sum] + (sum >= rank ? share[sum - rank] : 0)) / 2;
  }
  // Symmetric about the middle, so the lower tail does for both.
  const size_t extreme = std::min(ranks.positive, total - ranks.positive);
  const auto end = share.begin() + static_cast<std::ptrdiff_t>(extreme) + 1;
  return std::min(1.0, 2 * std::accumulate(share.begin(), end, 0.0));
}

double normal_rank_p(const SignedRanks& ranks) {
  const auto n = static_cast<double>(ranks.doubled.size());
  const double off = static_cast<double>(ranks.positive) / 2 - n * (n + 1) / 4;
  const double variance = (n * (n + 1) * (2 * n + 1) - ranks.ties / 2) / 24;
  return std::erfc(std::abs(off) / std::sqrt(variance) / std::numbers::sqrt2);
}

/// The sum with the sign of term i turned where bit i of `flips` is set.
double flipped_sum(std::span<const double> terms, uint64_t flips) {
  double sum = 0;
  for (const double term : terms) {
    sum += flips & 1 ? -term : term;
    flips >>= 1;
  }
  return sum;
}

double randomly_flipped_sum(std::span<const double> terms, util::Random& random) {
  double sum = 0;
  for (; !terms.empty(); terms = terms.subspan(std::min<size_t>(64, terms.size())))
    sum += flipped_sum(terms.first(std::min<size_t>(64, terms.size())), random.next());
  return sum;
}

}  // namespace

double wilcoxon(std::span<const double> differences) {
  const std::vector<double> kept = without_zeros(differences, "wilcoxon");
  if (kept.empty()) return 1;
  const SignedRanks ranks = signed_ranks(kept);
  const bool plain = ranks.ties == 0 && kept.size() == differences.size();
  return kept.size() <= (plain ? kExactRanks : kExactTiedRanks) ? exact_rank_p(ranks)
                                                                : normal_rank_p(ranks);
}

double permutation(std::span<const double> differences, int64_t resamples, uint64_t seed) {
  if (resamples < 1)
    throw Error(fmt::format("permutation: resamples is {}, allowed is 1 or more.", resamples));
  const std::vector<double> kept = without_zeros(differences, "permutation");
  if (kept.empty()) return 1;
  double scale = 0;
  for (const double d : kept) scale += std::abs(d);
  // Equal sums added up from other signs differ in their last digits and still count as equal.
  const double as_far = std::abs(flipped_sum(kept, 0)) - 1e-12 * scale;
  int64_t count = 0;
  if (kept.size() <= kExactFlips) {
    const uint64_t all = uint64_t{1} << kept.size();
    for (uint64_t flips = 0; flips < all; ++flips)
      count += std::abs(flipped_sum(kept, flips)) >= as_far;
    return static_cast<double>(count) / static_cast<double>(all);
  }
  util::Random random({seed, kept.size()});
  for (int64_t i = 0; i < resamples; ++i)
    count += std::abs(randomly_flipped_sum(kept, random)) >= as_far;
  return static_cast<double>(count + 1) / static_cast<double>(resamples + 1);
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] < 0 || p[i] > 1)
      throw Error(fmt::format("holm: p {} of {} is {}, allowed is 0 to 1.", i, p.size(), p[i]));
    if (!std::isnan(p[i])) order.push_back(i);
  }
  std::ranges::sort(order, {}, [&](size_t i) { return p[i]; });
  std::vector<double> adjusted(p.begin(), p.end());
  double least = 0;  // a larger p is never adjusted to less than a smaller one
  for (size_t k = 0; k < order.size(); ++k) {
    least = std::max(least, static_cast<double>(order.size() - k) * p[order[k]]);
    adjusted[order[k]] = std::min(1.0, least);
  }
  return adjusted;
}

}  // namespace hilum::metrics
