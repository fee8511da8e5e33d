// SPDX-License-Identifier: Apache-2.0
#include "core/data/fold_dealer.hpp"

#include <algorithm>
#include <numeric>

namespace hilum::data {
namespace {

class Dealer {
 public:
  Dealer(const std::vector<Group>& groups, const Strata& strata, const FoldRules& rules)
      : groups_(groups), strata_(strata), sides_(static_cast<size_t>(rules.folds)) {
    share_.assign(sides_, (1 - rules.test) / static_cast<double>(rules.folds));
    if (rules.test > 0) share_.push_back(rules.test), ++sides_;
    const size_t classes = strata_.names.size();
    weight_.assign(2 + 2 * classes, 1);
    weight_[0] = 1 + static_cast<double>(classes);  // sizes first, then the strata, then patients
    weight_[1] = 0.01;
    std::vector<double> total(weight_.size());
    for (const auto& group : groups_) {
      loads_.push_back(load(group));
      for (size_t j = 0; j < total.size(); ++j) total[j] += loads_.back()[j];
    }
    for (const double share : share_) {
      auto& short_by = missing_.emplace_back(total);
      for (auto& amount : short_by) amount *= share;
    }
  }
  /// A fold for each group.
  std::vector<size_t> deal() {
    std::vector<size_t> order(groups_.size()), side(groups_.size(), 0);
    std::iota(order.begin(), order.end(), size_t{0});
    const auto larger = [&](size_t a, size_t b) {
      return groups_[a].regions.size() > groups_[b].regions.size();
    };
    std::stable_sort(order.begin(), order.end(), larger);
    for (const size_t i : order) put(i, side[i] = best_side(i));
    constexpr int kPasses = 100;
    for (int pass = 0; pass < kPasses; ++pass)
      if (!move_any(order, side) && !swap_any(order, side)) break;
    return side;
  }

 private:
  using Load = std::vector<double>;
  Load load(const Group& group) const {
    Load load(weight_.size());
    load[0] = static_cast<double>(group.regions.size());
    load[1] = 1;
    if (strata_.names.empty()) return load;
    for (const size_t region : group.regions) ++load[2 + strata_.region[region]];
    ++load[2 + strata_.names.size() + group.stratum];
    return load;
  }
  void put(size_t group, size_t side, double sign = 1) {
    for (size_t j = 0; j < weight_.size(); ++j) missing_[side][j] -= sign * loads_[group][j];
  }
  /// By how much the sum of squares changes when `side` gets the load (sign 1) or loses it (-1).
  double change(size_t group, size_t side, double sign) const {
    double sum = 0;
    for (size_t j = 0; j < weight_.size(); ++j) {
      const double amount = sign * loads_[group][j];
      sum += weight_[j] * amount * (amount - 2 * missing_[side][j]);
    }
    return sum;
  }
  size_t best_side(size_t group) const {
    size_t best = 0;
    for (size_t side = 1; side < sides_; ++side)
      if (change(group, side, 1) < change(group, best, 1) - kTiny) best = side;
    return best;
  }
  bool move_any(const std::vector<size_t>& order, std::vector<size_t>& side) {
    bool any = false;
    for (const size_t i : order) {
      put(i, side[i], -1);
      const size_t best = best_side(i);
      if (change(i, best, 1) < change(i, side[i], 1) - kTiny) side[i] = best, any = true;
      put(i, side[i]);
    }
    return any;
  }
  bool swap_any(const std::vector<size_t>& order, std::vector<size_t>& side) {
    constexpr size_t kMost = 2000;  // beyond it the greedy deal is even enough, and pairs are many
    if (order.size() > kMost) return false;
    bool any = false;
    for (const size_t a : order)
      for (const size_t b : order) {
        if (b <= a || side[a] == side[b]) continue;
        const double before = cost(side[a]) + cost(side[b]);
        swap(a, b, side);
        if (cost(side[a]) + cost(side[b]) < before - kTiny)
          any = true;
        else
          swap(a, b, side);
      }
    return any;
  }
  void swap(size_t a, size_t b, std::vector<size_t>& side) {
    put(a, side[a], -1), put(b, side[b], -1);
    std::swap(side[a], side[b]);
    put(a, side[a]), put(b, side[b]);
  }
  double cost(size_t side) const {
    double sum = 0;
    for (size_t j = 0; j < weight_.size(); ++j)
      sum += weight_[j] * missing_[side][j] * missing_[side][j];
    return sum;
  }

  static constexpr double kTiny = 1e-6;
  const std::vector<Group>& groups_;
  const Strata& strata_;
  size_t sides_;
  std::vector<double> share_, weight_;
  std::vector<Load> loads_, missing_;  // a group's; what a fold still lacks of its due
};

}  // namespace

std::vector<size_t> deal_groups(const std::vector<Group>& groups, const Strata& strata,
                                const FoldRules& rules) {
  return Dealer(groups, strata, rules).deal();
}

}  // namespace hilum::data
