// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/rois.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "core/data/prepare/table.hpp"

namespace hilum::data::prepare {
namespace fs = std::filesystem;
namespace {

constexpr size_t kShown = 10;  // problems in one message

struct Columns {
  size_t image, mask;
  std::optional<size_t> id, patient, series, nodule, readers;
  std::vector<size_t> targets;
};

Columns columns_of(const Csv& csv) {
  Columns c{csv.need("image"),  csv.need("mask"),   csv.find("id"),      csv.find("patient"),
            csv.find("series"), csv.find("nodule"), csv.find("readers"), {}};
  for (size_t i = 0; i < csv.columns.size(); ++i) {
    const auto& name = csv.columns[i];
    if (i == c.image || i == c.mask || i == c.id || i == c.patient || i == c.series ||
        i == c.nodule || i == c.readers)
      continue;
    if (!is_name(name) || name == "nodule_present" || name.starts_with("image_"))
      throw Error(csv.file.string() + ":1: column '" + name +
                      "': a target's name is a letter, then letters, digits, '_' or '-'; not "
                      "nodule_present, not image_...",
                  Fault::data);
    c.targets.push_back(i);
  }
  return c;
}

/// A row that is known to be right; its images are not read yet.
struct Job {
  const Csv::Row* row = nullptr;
  std::string id;
};

/// Looks at all rows first, and keeps little of each: a table may have a million.
class Reader {
 public:
  Reader(const Csv& csv, const fs::path& root) : csv_(csv), c_(columns_of(csv)), root_(root) {}

  std::vector<Job> jobs() {
    std::vector<Job> jobs;
    Strings problems;
    for (const auto& row : csv_.rows) try {
        jobs.push_back({&row, id(row)});
        image(row), mask(row), region(jobs.back());
      } catch (const Error& error) {
        problems.emplace_back(error.what());
        if (problems.size() == kShown) break;
      }
    if (!problems.empty())
      throw Error(join(problems, "\n") +
                      (problems.size() == kShown ? "\nThe rows after it were not looked at." : ""),
                  Fault::data);
    return jobs;
  }
  /// Below the root.
  const fs::path& image(const Csv::Row& row) { return file(row, c_.image); }
  const fs::path& mask(const Csv::Row& row) { return file(row, c_.mask); }
  /// All but the images.
  Row region(const Job& job) {
    Row r;
    const auto& row = *job.row;
    r.id = job.id;
    r.patient = c_.patient ? need_text(csv_, row, *c_.patient) : bare(image(row));
    r.series = optional(row, c_.series), r.nodule = optional(row, c_.nodule);
    if (c_.readers) {
      const double readers = need_number(csv_, row, *c_.readers);
      if (!(readers >= 1 && readers <= 255) || readers != std::floor(readers))
        refuse(csv_, row, *c_.readers, "allowed a whole number from 1 to 255.");
      r.readers = static_cast<int64_t>(readers);
    }
    for (const size_t at : c_.targets)
      r.targets[csv_.columns[at]] = number_or_unknown(csv_, row, at);
    return r;
  }

 private:
  const fs::path& file(const Csv::Row& row, size_t column) {
    const auto [seen, fresh] = seen_.try_emplace(row.cells[column]);
    if (!fresh && !seen->second.empty()) return seen->second;
    const fs::path below = need_path(csv_, row, column, root_);
    if (!fs::is_regular_file(root_ / below))
      refuse(csv_, row, column, "no such file: " + (root_ / below).string() + ".");
    return seen->second = below;
  }
  std::string optional(const Csv::Row& row, std::optional<size_t> column) const {
    return column ? row.cells[*column] : "";
  }
  // Without the column: the image's path, and a number where a table names an image twice.
  std::string id(const Csv::Row& row) {
    std::string id = c_.id ? need_text(csv_, row, *c_.id) : bare(image(row));
    if (!c_.id) {
      std::replace(id.begin(), id.end(), '/', '_');
      if (const int64_t n = ++uses_[id]; n > 1) id += "_row" + std::to_string(n);
    }
    if (!ids_.insert(id).second)
      throw Error(csv_.where(row) + "id: value '" + id + "' stands there twice.", Fault::data);
    return id;
  }
  static std::string bare(const fs::path& image) {
    return (image.parent_path() / stem(image)).string();
  }

  const Csv& csv_;
  Columns c_;
  fs::path root_;
  std::unordered_map<std::string, fs::path> seen_;  // cell -> file below the root
  std::unordered_set<std::string> ids_;
  std::unordered_map<std::string, int64_t> uses_;
};

// Counts of readers stay; what is only "not 0" becomes 1.
void settle(Volume& mask, bool counts, std::optional<int64_t> label) {
  for (float& value : mask.voxels) {
    if (label)
      value = value == static_cast<float>(*label);
    else if (!counts)
      value = value != 0;
  }
}

}  // namespace

Prepared prepare_rois(const RoisSource& source, const fs::path& out) {
  fs::path root = source.root.empty() ? source.table.parent_path() : source.root;
  if (root.empty()) root = ".";
  auto rules = to_rules(source.rules);
  rules["label"] = source.label ? std::to_string(*source.label) : "all but 0";
  Writer writer(out, "rois", rules);
  const Csv csv = Csv::read(source.table);
  if (csv.rows.empty())
    throw Error(csv.file.string() + ": has a heading and no rows.", Fault::data);
  Reader reader(csv, root);
  const auto jobs = reader.jobs();
  Report report;
  if (!csv.find("patient"))
    report.notes.push_back("no column 'patient': each image counts as a patient of its own");
  fs::path last;  // rows of one image mostly follow each other
  Volume image;
  for (const auto& job : jobs) try {
      const fs::path& file = reader.image(*job.row);
      if (file != last) image = read_image(root / file), last = file;
      Row region = reader.region(job);
      region.image = image;
      const fs::path mask = root / reader.mask(*job.row);
      region.mask = read_image(mask);
      const auto differs = difference(region.mask.geometry, image.geometry);
      if (!differs.empty())
        throw Error(mask.string() + ": has " + differs + ", which its image has.", Fault::data);
      settle(region.mask, region.readers.has_value(), source.label);
      add_pair(writer, std::move(region), source.rules, report);
    } catch (const Error& error) {
      throw Error(csv.where(*job.row) + error.what(), error.fault);
    }
  report.kept["images with masks"] = static_cast<int64_t>(jobs.size());
  return {writer.finish(report), rules, report};
}

}  // namespace hilum::data::prepare
