// SPDX-License-Identifier: Apache-2.0
#include "core/data/split_file.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/csv.hpp"
#include "core/data/fold_dealer.hpp"
#include "core/util/random.hpp"

namespace hilum::data {
namespace {

constexpr size_t kFewValues = 6;  // a binary label, or ratings as whole numbers

std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

/// The classes of one target.
class Classes {
 public:
  Classes(const RegionSet& set, const std::string& target) : name_(target) {
    std::vector<double> known;
    for (const auto& region : set.regions)
      if (const double value = region.targets.at(target); !std::isnan(value))
        known.push_back(value);
    if (known.empty())
      throw Error(
          "--stratify: target '" + target + "' of '" + set.name + "' is unknown for every region.",
          Fault::request);
    std::sort(known.begin(), known.end());
    const std::set<double> values(known.begin(), known.end());
    few_ = values.size() <= kFewValues;
    if (few_)
      from_.assign(values.begin(), values.end());
    else
      quarters(known);
  }
  /// The class of a value; NaN is the last.
  size_t operator()(double value) const {
    if (std::isnan(value)) return from_.size();
    const auto above = std::upper_bound(from_.begin(), from_.end(), value);
    return static_cast<size_t>(above - from_.begin()) - (above == from_.begin() ? 0 : 1);
  }
  /// A patient's, from its regions' values.
  size_t of(const std::vector<double>& values) const {
    std::vector<size_t> votes(from_.size() + 1);
    double sum = 0, known = 0;
    for (const double value : values) {
      ++votes[(*this)(value)];
      if (!std::isnan(value)) sum += value, ++known;
    }
    if (known == 0) return from_.size();
    if (!few_) return (*this)(sum / known);
    size_t best = 0;  // of equal votes the higher value: the rarer, worse finding as a rule
    for (size_t i = 0; i < from_.size(); ++i)
      if (votes[i] > 0 && votes[i] >= votes[best]) best = i;
    return best;
  }
  Strings names() const {
    Strings names;
    for (size_t i = 0; i < from_.size(); ++i) {
      if (few_)
        names.push_back(name_ + " " + short_text(from_[i]));
      else if (i == 0)
        names.push_back(name_ + " below " + short_text(from_[1]));
      else
        names.push_back(name_ + " from " + short_text(from_[i]));
    }
    names.push_back(name_ + " unknown");
    return names;
  }

 private:
  void quarters(const std::vector<double>& known) {
    from_ = {known.front()};
    for (size_t quarter = 1; quarter < 4; ++quarter)
      if (const double edge = known[quarter * known.size() / 4]; edge > from_.back())
        from_.push_back(edge);
    if (from_.size() == 1) from_.push_back(known.back());  // three quarters have one value
  }
  std::string name_;
  bool few_ = true;
  std::vector<double> from_;  // each class's lowest value
};

/// Patients, joined where they share a series or an image: two names of one person, most likely.
class Patients {
 public:
  explicit Patients(const std::vector<Region>& regions) {
    std::map<std::string, std::string> first;  // what is shared -> a patient
    for (const auto& region : regions) {
      parent_.emplace(region.patient, region.patient);
      for (const auto& shared : {region.series.empty() ? "" : "series " + region.series,
                                 region.pixel_hash.empty() ? "" : "image " + region.pixel_hash})
        if (!shared.empty()) join_with(first.emplace(shared, region.patient).first->second, region);
    }
  }
  const std::string& root(const std::string& patient) const {
    const std::string& parent = parent_.at(patient);
    return parent == patient ? parent : root(parent);
  }
  Strings notes() const {
    Strings notes;
    for (const auto& [patient, parent] : parent_)
      if (root(patient) != patient)
        notes.push_back("patients '" + root(patient) + "' and '" + patient +
                        "' share a scan or an image and stay together");
    return notes;
  }

 private:
  void join_with(const std::string& patient, const Region& region) {
    const std::string a = root(patient), b = root(region.patient);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }
  std::map<std::string, std::string> parent_;
};

std::vector<Group> groups_of(const RegionSet& set, const FoldRules& rules, Strings& notes) {
  std::map<std::string, Group> named;  // by name, so that the order of regions does not matter
  const Patients patients(set.regions);
  if (!rules.by_lesion) notes = patients.notes();
  for (size_t i = 0; i < set.regions.size(); ++i) {
    const Region& region = set.regions[i];
    named[rules.by_lesion ? region.id : patients.root(region.patient)].regions.push_back(i);
  }
  std::vector<Group> groups;
  for (auto& [name, group] : named) groups.push_back(std::move(group));
  util::Random({static_cast<uint64_t>(rules.seed)}).shuffle(groups);
  return groups;
}

void stratify(const RegionSet& set, const std::string& target, Strata& strata,
              std::vector<Group>& groups) {
  if (std::find(set.target_names.begin(), set.target_names.end(), target) == set.target_names.end())
    throw Error("--stratify: '" + set.name + "' has no target '" + target + "'." +
                    suggestion(target, set.target_names),
                Fault::request);
  const Classes classes(set, target);
  strata.names = classes.names();
  for (const auto& region : set.regions)
    strata.region.push_back(classes(region.targets.at(target)));
  for (auto& group : groups) {
    std::vector<double> values;
    for (const size_t i : group.regions) values.push_back(set.regions[i].targets.at(target));
    group.stratum = classes.of(values);
  }
}

/// The first region with each key in each fold.
class Shared {
 public:
  Shared(std::string what, std::vector<FoldLeak>& out) : what_(std::move(what)), out_(out) {}
  void add(const std::string& key, const std::string& name, const std::string& id,
           const std::string& fold) {
    auto& folds = seen_[key];
    if (folds.empty()) folds.emplace_back(id, fold);
    for (const auto& [other, known] : folds)
      if (known == fold) return;
    out_.push_back({what_, name, id, fold, folds[0].first, folds[0].second});
    folds.emplace_back(id, fold);
  }

 private:
  std::string what_;
  std::vector<FoldLeak>& out_;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> seen_;
};

}  // namespace

Folds make_folds(const RegionSet& set, const FoldRules& rules) {
  Folds made;
  auto groups = groups_of(set, rules, made.notes);
  const auto needed = static_cast<size_t>(rules.folds) + (rules.test > 0);
  if (groups.size() < needed)
    throw Error("--folds: value " + std::to_string(rules.folds) + ": '" + set.name + "' has " +
                    std::to_string(groups.size()) + (rules.by_lesion ? " regions" : " patients") +
                    (rules.test > 0 ? ", and the test side needs one too" : "") +
                    ". Make fewer folds.",
                Fault::request);
  if (!rules.stratify.empty()) stratify(set, rules.stratify, made.strata, groups);
  const auto side = deal_groups(groups, made.strata, rules);
  if (const std::set<size_t> used(side.begin(), side.end()); used.size() < needed)
    throw Error("--test: value " + short_text(rules.test) + ": with " +
                    std::to_string(groups.size()) + (rules.by_lesion ? " regions" : " patients") +
                    " a fold or the test side stays empty. Choose another share or fewer folds.",
                Fault::request);
  for (size_t g = 0; g < groups.size(); ++g)
    for (const size_t i : groups[g].regions)
      made.of[set.regions[i].id] =
          side[g] == static_cast<size_t>(rules.folds) ? "test" : std::to_string(side[g]);
  return made;
}

std::string folds_text(const RegionSet& set, const std::map<std::string, std::string>& folds) {
  std::string text = "id,fold\n";
  for (const auto& region : set.regions)
    text += csv_cell(region.id) + "," + folds.at(region.id) + "\n";
  return text;
}

std::vector<FoldLeak> find_fold_leaks(const RegionSet& set,
                                      const std::map<std::string, std::string>& folds) {
  std::vector<FoldLeak> patients, scans, nodules, images;
  Shared patient("patient", patients), series("series", scans), nodule("nodule", nodules),
      image("image", images);
  for (const auto& r : set.regions) {
    const auto& fold = folds.at(r.id);
    patient.add(r.patient, r.patient, r.id, fold);
    if (!r.series.empty()) series.add(r.series, r.series, r.id, fold);
    // A nodule's number counts within its series; without a series, within its patient.
    const std::string scan = r.series.empty() ? "patient " + r.patient : "series " + r.series;
    if (!r.nodule.empty()) nodule.add(scan + "\n" + r.nodule, r.nodule + " of " + scan, r.id, fold);
    if (!r.pixel_hash.empty()) image.add(r.pixel_hash, r.pixel_hash, r.id, fold);
  }
  for (auto* more : {&scans, &nodules, &images})
    patients.insert(patients.end(), more->begin(), more->end());
  return patients;
}

}  // namespace hilum::data
