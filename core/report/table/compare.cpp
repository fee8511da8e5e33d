// SPDX-License-Identifier: Apache-2.0
#include "core/report/table/compare.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <tuple>

namespace hilum::report {
namespace {

using Indices = std::vector<size_t>;

// Where each of `names` stands among the figure's patients; all are there.
Indices positions(const Figure& figure, const Strings& names) {
  Indices found;
  for (const auto& name : names)
    found.push_back(static_cast<size_t>(std::ranges::lower_bound(figure.patients(), name) -
                                        figure.patients().begin()));
  return found;
}

Strings common_patients(const std::vector<Figure>& ours, const std::vector<Figure>& others) {
  Strings names = ours.front().patients();
  for (const auto* side : {&ours, &others})
    for (const auto& figure : *side)
      std::erase_if(names, [&](const auto& name) {
        return !std::ranges::binary_search(figure.patients(), name);
      });
  return names;
}

// One side's seeds on the common patients.
class Side {
 public:
  Side(const std::vector<Figure>& seeds, const Strings& patients) : seeds_(seeds) {
    for (const auto& figure : seeds) positions_.push_back(positions(figure, patients));
  }
  double over(std::span<const size_t> drawn) const {
    double sum = 0;
    Indices own(drawn.size());
    for (size_t s = 0; s < seeds_.size(); ++s) {
      std::ranges::transform(drawn, own.begin(), [&](size_t p) { return positions_[s][p]; });
      sum += seeds_[s].over(own);
    }
    return sum / static_cast<double>(seeds_.size());
  }
  std::vector<double> scores() const {
    std::vector<double> mean(positions_.front().size(), 0);
    for (size_t s = 0; s < seeds_.size(); ++s) {
      const auto scores = seeds_[s].scores(positions_[s]);
      for (size_t p = 0; p < mean.size(); ++p)
        mean[p] += scores[p] / static_cast<double>(seeds_.size());
    }
    return mean;
  }

 private:
  const std::vector<Figure>& seeds_;
  std::vector<Indices> positions_;
};

std::optional<double> delong_p(const Figure& ours, const Figure& other) {
  const auto key = [](const FigureCase& c) { return std::tie(c.patient, c.nodule, c.slice); };
  std::vector<double> a, b, truth;
  double positives = 0;
  auto mine = ours.cases().begin();
  for (const auto& c : other.cases()) {
    while (mine != ours.cases().end() && key(*mine) < key(c)) ++mine;
    if (mine == ours.cases().end()) break;
    if (key(*mine) != key(c)) continue;
    if (mine->truth != c.truth) return {};  // two rules of what is true
    a.push_back(mine->value), b.push_back(c.value), truth.push_back(c.truth);
    positives += c.truth;
  }
  if (positives == 0 || positives == static_cast<double>(truth.size())) return {};
  return metrics::delong(a, b, truth).p;
}

std::optional<double> paired_p(Test test, const Side& ours, const Side& others) {
  std::vector<double> differences = ours.scores();
  const auto theirs = others.scores();
  for (size_t p = 0; p < theirs.size(); ++p) differences[p] -= theirs[p];
  std::erase_if(differences, [](double d) { return std::isnan(d); });
  if (differences.empty()) return {};
  return test == Test::wilcoxon ? metrics::wilcoxon(differences)
                                : metrics::permutation(differences);
}

std::optional<metrics::Interval> resampled(
    size_t patients, const std::function<double(std::span<const size_t>)>& statistic) {
  if (patients < 2) return {};
  const auto found = metrics::bootstrap(patients, statistic);
  return std::isnan(found.low) ? std::nullopt : std::optional(found);
}

}  // namespace

std::optional<metrics::Interval> interval(const Figure& figure) {
  return resampled(figure.patients().size(),
                   [&](std::span<const size_t> drawn) { return figure.over(drawn); });
}

Comparison compare(const std::vector<Figure>& ours, const std::vector<Figure>& others) {
  const Strings patients = common_patients(ours, others);
  Comparison result{.difference = std::nan("")};
  if (patients.empty()) return result;
  const Side a(ours, patients), b(others, patients);
  const auto difference = [&](std::span<const size_t> drawn) {
    return a.over(drawn) - b.over(drawn);
  };
  Indices all(patients.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  result.difference = difference(all);
  if (std::isnan(result.difference)) return result;
  result.interval = resampled(patients.size(), difference);
  const Test test = ours.front().test();
  if (test == Test::delong)
    result.p = delong_p(ours.front(), others.front());
  else if (test != Test::none)
    result.p = paired_p(test, a, b);
  return result;
}

}  // namespace hilum::report
