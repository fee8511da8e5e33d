// SPDX-License-Identifier: Apache-2.0
#include "core/runs/steps/compare_trainings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/runs/steps/recorded_steps.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

using Json = nlohmann::ordered_json;

std::vector<ChangedParam> options_apart(const Details& a, const Details& b) {
  std::map<std::string, std::string> first;
  for (const auto& p : a.params) first[p.key] = p.value;
  return changed_params(std::move(first), b.params);
}

std::string text_of(const std::vector<ChangedParam>& options) {
  if (options.empty()) return "Their options are the same.";
  Strings told;
  for (const auto& [key, a, b] : options)
    told.push_back(
        fmt::format("{} {} against {}", key, a.value_or("not set"), b.value_or("not set")));
  return "Their options differ: " + join(told, "; ") + ".";
}

std::string text_of(const FigureComparison& f) {
  if (f.metrics.empty()) return "Neither has test figures yet.";
  if (f.equal())
    return fmt::format("All {} test figures and {} figures of cases are equal, bit for bit.",
                       f.metrics.size(), f.cases);
  const auto unequal =
      std::count_if(f.metrics.begin(), f.metrics.end(), [](const auto& m) { return !m.equal; });
  return fmt::format("{} of {} test figures and {} of {} figures of cases differ.", unequal,
                     f.metrics.size(), f.unequal_cases, f.cases);
}

Json json_of(const StepsComparison& c) {
  if (!c.difference) return nullptr;
  const auto& [part, step, a, b] = *c.difference;
  Json json{{"what", name_of(part)}, {"step", step}, {"epoch", a.epoch}, {"batch", a.batch}};
  if (part == StepPart::loss) json["first"] = a.loss, json["second"] = b.loss;
  return json;
}

Json json_of(const std::vector<ChangedParam>& options) {
  const auto value = [](const auto& v) { return v ? Json(*v) : Json(); };
  Json list = Json::array();
  for (const auto& [key, a, b] : options)
    list.push_back({{"key", key}, {"first", value(a)}, {"second", value(b)}});
  return list;
}

}  // namespace

TrainingsComparison compare_trainings(const Reader& reader, const std::string& first,
                                      const std::string& second) {
  TrainingsComparison c;
  c.first = reader.show(first), c.second = reader.show(second);
  if (c.first.id == c.second.id)
    throw Error(
        fmt::format("'{}' and '{}' are one run, {}. `hilum runs verify {}` looks at it alone.",
                    first, second, c.first.id, c.first.short_id),
        Fault::request);
  const auto a = recorded_steps(c.first), b = recorded_steps(c.second);
  c.options = options_apart(c.first, c.second);
  c.steps = compare_steps(a, b);
  c.figures = compare_figures(reader, c.first.id, c.second.id, "test");
  for (const auto& [run, steps] : {std::pair(&c.first, &a), std::pair(&c.second, &b)})
    if (!review_steps(reader, *run, *steps).problems.empty())
      c.problems.push_back(fmt::format("The record of run {} does not hold: hilum runs verify {}",
                                       run->id, run->short_id));
  return c;
}

std::string to_text(const TrainingsComparison& c) {
  auto text = fmt::format("{}\n{}\n{}\n{}\n{}\n", title(c.first), title(c.second),
                          text_of(c.options), to_text(c.steps), text_of(c.figures));
  for (const auto& problem : c.problems) text += problem + "\n";
  if (!c.equal())
    text += fmt::format("Plugins, data, code and machine side by side: hilum runs diff {} {}\n",
                        c.first.short_id, c.second.short_id);
  return text;
}

std::string to_json(const TrainingsComparison& c) {
  const bool tested = !c.figures.metrics.empty();
  const Json json{{"first", c.first.id},
                  {"second", c.second.id},
                  {"equal", c.equal()},
                  {"options", json_of(c.options)},
                  {"steps", c.steps.steps},
                  {"difference", json_of(c.steps)},
                  {"figures_equal", tested ? Json(c.figures.equal()) : Json()},
                  {"problems", c.problems}};
  return json.dump(2) + "\n";
}

}  // namespace hilum::runs
