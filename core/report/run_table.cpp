// SPDX-License-Identifier: Apache-2.0
#include "core/report/run_table.hpp"

#include <fmt/core.h>

#include <set>
#include <vector>

#include "core/util/text.hpp"

namespace hilum::report {
namespace {

using Metrics = std::map<std::string, double>;

constexpr const char* kMaskMetrics[] = {"precision", "sensitivity", "dice", "iou",
                                        "hd",        "hd95",        "assd"};

std::string cell(const Metrics& metrics, const std::string& name, const char* format) {
  const auto found = metrics.find(name);
  return found == metrics.end() ? "-" : fmt::format(fmt::runtime(format), found->second);
}

std::string mask_table(const Metrics& metrics, const std::string& head) {
  std::vector<std::vector<std::string>> rows{{"mean over", "cases", "precision", "sensitivity",
                                              "Dice", "IoU", "HD mm", "HD95 mm", "ASSD mm"}};
  const auto add = [&](const std::string& label, const std::string& count,
                       const std::string& prefix) {
    std::vector<std::string> row{label, count.empty() ? "" : cell(metrics, head + count, "{:.0f}")};
    for (const char* metric : kMaskMetrics)
      row.push_back(cell(
          metrics, head + prefix + metric,
          std::string(metric).find_first_of("hs") == 0 && metric[0] == 'h' ? "{:.2f}" : "{:.3f}"));
    rows.push_back(row);
  };
  add("nodules (3D)", "cases", "");
  add("patients", "patients", "patient_");
  if (metrics.count(head + "slices")) add("slices", "slices", "slice_");
  add("nodules, none empty", "", "nonempty_");
  return util::table(rows) + fmt::format(
                                 "empty masks: prediction {}, truth {}, both {} of {} nodules (a "
                                 "missed nodule counts: overlap 0, distance the diagonal)\n",
                                 cell(metrics, head + "empty_pred", "{:.0f}"),
                                 cell(metrics, head + "empty_truth", "{:.0f}"),
                                 cell(metrics, head + "empty_both", "{:.0f}"),
                                 cell(metrics, head + "cases", "{:.0f}"));
}

}  // namespace

std::string run_table(const Metrics& metrics, const std::string& split) {
  const std::string start = split + ".";
  std::set<std::string> heads;
  for (const auto& [name, value] : metrics)
    if (name.starts_with(start))
      if (const auto dot = name.rfind('.'); dot > start.size())
        heads.insert(name.substr(0, dot + 1));
  std::string text;
  for (const auto& head : heads) {
    text += fmt::format("{}\n", head.substr(0, head.size() - 1));
    if (metrics.count(head + "dice")) {
      text += mask_table(metrics, head);
      continue;
    }
    for (const auto& [name, value] : metrics)
      if (name.starts_with(head) && name.find('.', head.size()) == std::string::npos)
        text += fmt::format("  {:<24} {:.4f}\n", name.substr(head.size()), value);
  }
  return text;
}

}  // namespace hilum::report
