// SPDX-License-Identifier: Apache-2.0
#include "core/data/folds.hpp"

#include <algorithm>
#include <set>

#include "core/data/csv.hpp"
#include "core/util/sha256.hpp"

namespace hilum::data {
namespace {

constexpr size_t kFolds = 5;

std::string examples(const Strings& ids) {
  Strings few;
  for (size_t i = 0; i < std::min<size_t>(ids.size(), 3); ++i) few.push_back("'" + ids[i] + "'");
  return join(few, ", ") + (ids.size() > 3 ? ", ..." : "");
}

// "7", not "07", "-1" or "seven": folds are compared as text.
bool is_fold(const std::string& text) {
  const bool digits =
      !text.empty() && text.size() < 7 && text.find_first_not_of("0123456789") == text.npos;
  return text == "test" || (digits && (text.size() == 1 || text[0] != '0'));
}

/// The first region seen with each key; later ones on other sides are leaks.
class Leak {
 public:
  explicit Leak(std::string what) : what_(std::move(what)) {}
  void add(const std::string& key, const std::string& id, const std::string& side) {
    const auto& [first, other] = seen_.try_emplace(key, std::pair{id, side}).first->second;
    if (other == side || !leaking_.insert(key).second) return;
    if (leaking_.size() == 1)
      example_ = "'" + first + "' (" + other + ") and '" + id + "' (" + side + ")";
  }
  void report(Strings& out) const {
    if (leaking_.empty()) return;
    const auto n = leaking_.size();
    std::string text = std::to_string(n) + " " + what_ + (n > 1 ? "s stand" : " stands") +
                       " on two sides of the split, for example ";
    if (what_ == "patient") text += "'" + *leaking_.begin() + "': ";
    out.push_back(text + example_);
  }

 private:
  std::string what_, example_;
  std::map<std::string, std::pair<std::string, std::string>> seen_;
  std::set<std::string> leaking_;
};

}  // namespace

std::map<std::string, std::string> read_folds(const std::filesystem::path& file,
                                              const std::vector<Region>& regions) {
  const Csv csv = Csv::read(file);
  const size_t id = csv.need("id"), fold = csv.need("fold");
  std::set<std::string> known;
  for (const auto& region : regions) known.insert(region.id);
  std::map<std::string, std::string> folds;
  Strings strangers, without;
  for (const auto& row : csv.rows) {
    if (!is_fold(row.cells[fold]))
      throw Error(csv.where(row) + "column 'fold': value '" + row.cells[fold] +
                      "', allowed a number from 0 on, or 'test'.",
                  Fault::data);
    if (!known.contains(row.cells[id])) strangers.push_back(row.cells[id]);
    if (!folds.emplace(row.cells[id], row.cells[fold]).second)
      throw Error(csv.where(row) + "column 'id': value '" + row.cells[id] + "' stands there twice.",
                  Fault::data);
  }
  for (const auto& region : regions)
    if (!folds.contains(region.id)) without.push_back(region.id);
  std::string problem;
  if (!strangers.empty())
    problem += " " + std::to_string(strangers.size()) + " ids are not in index.csv (" +
               examples(strangers) + ").";
  if (!without.empty())
    problem +=
        " " + std::to_string(without.size()) + " regions have no fold (" + examples(without) + ").";
  if (!problem.empty()) throw Error(file.string() + ":" + problem, Fault::data);
  return folds;
}

std::map<std::string, std::string> deal_folds(const std::vector<Region>& regions, bool by_lesion) {
  const auto owner = [&](const Region& region) { return by_lesion ? region.id : region.patient; };
  std::map<std::string, std::string> order;  // hash -> patient
  for (const auto& region : regions) order.emplace(util::sha256(owner(region)), owner(region));
  std::map<std::string, size_t> fold_of;
  for (size_t rank = 0; const auto& [hash, name] : order) fold_of[name] = rank++ % kFolds;
  std::map<std::string, std::string> folds;
  for (const auto& region : regions) folds[region.id] = std::to_string(fold_of[owner(region)]);
  return folds;
}

Strings leaks(const std::vector<Region>& regions, const Strings& side) {
  Leak patient("patient"), nodule("nodule"), pixels("image");
  for (size_t i = 0; i < regions.size(); ++i) {
    const Region& r = regions[i];
    if (side[i].empty()) continue;
    patient.add(r.patient, r.id, side[i]);
    // A nodule's number counts within its series; without a series, within its patient.
    const std::string scan = r.series.empty() ? "patient " + r.patient : "series " + r.series;
    if (!r.nodule.empty()) nodule.add(scan + "\n" + r.nodule, r.id, side[i]);
    if (!r.pixel_hash.empty()) pixels.add(r.pixel_hash, r.id, side[i]);
  }
  Strings found;
  patient.report(found), nodule.report(found), pixels.report(found);
  return found;
}

}  // namespace hilum::data
