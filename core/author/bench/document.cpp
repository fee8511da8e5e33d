// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/document.hpp"

#include <cmath>

#include "core/util/files.hpp"
#include "hilum/error.hpp"

namespace hilum::bench {
namespace {
using Json = nlohmann::ordered_json;

constexpr int kForm = 1;

// The texts of a recording by their keys, in the order of the document.
template <class R, class Visit>
void each_text(R& r, Visit visit) {
  visit("id", r.id), visit("created", r.created), visit("kind", r.kind);
  visit("plugin", r.plugin), visit("version", r.version), visit("sha256", r.sha256);
  visit("build", r.build), visit("host", r.host), visit("device", r.device);
  visit("torch", r.torch), visit("git", r.git), visit("tag", r.tag);
}

runs::Timing timing_from(const Json& json) {
  runs::Timing t{.name = json.at("name").get<std::string>(), .options = ""};
  t.options = Json{{"inputs", json.at("inputs")}, {"options", json.at("options")}}.dump();
  json.at("median").get_to(t.median), json.at("low").get_to(t.low);
  json.at("high").get_to(t.high), json.at("samples").get_to(t.samples);
  if (t.samples.empty()) throw Error("'" + t.name + "' has no samples");
  for (const double s : t.samples)
    if (!(std::isfinite(s) && s > 0))
      throw Error("'" + t.name + "': a sample is " + std::to_string(s) +
                  ", allowed are seconds above 0");
  return t;
}

}  // namespace

Json to_json(const runs::Recording& recording) {
  Json json{{"hilum_benchmark", kForm}};
  each_text(recording, [&](const char* key, const std::string& text) { json[key] = text; });
  json["threads"] = recording.threads;
  json["unit"] = "s";
  json["cases"] = Json::array();
  for (const auto& t : recording.timings) {
    Json one{{"name", t.name}};
    one.update(Json::parse(t.options));  // "inputs" and "options"
    one["median"] = t.median, one["low"] = t.low, one["high"] = t.high;
    one["samples"] = t.samples;
    json["cases"].push_back(std::move(one));
  }
  return json;
}

Json to_json(const Comparison& comparison) {
  Json json{{"slower", comparison.slower()}, {"changes", Json::array()}};
  for (const auto& c : comparison.changes)
    json["changes"].push_back({{"name", c.name},
                               {"then", c.then},
                               {"now", c.now},
                               {"ratio", c.ratio},
                               {"interval", {c.interval.low, c.interval.high}},
                               {"verdict", to_text(c.verdict)}});
  json["notes"] = comparison.notes;
  return json;
}

runs::Recording read_recording(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file))
    throw Error(file.string() + ": there is no such file. `hilum plugins bench -o` writes one.",
                Fault::request);
  const auto wrong = [&](const std::string& what) {
    return Error(file.string() + ": is no recording of `hilum plugins bench -o`: " + what + ".",
                 Fault::data);
  };
  try {
    const Json json = Json::parse(util::read_file(file));
    if (json.at("hilum_benchmark") != kForm)
      throw Error("its form is " + json.at("hilum_benchmark").dump() + ", allowed 1");
    runs::Recording r;
    each_text(r, [&](const char* key, std::string& text) { json.at(key).get_to(text); });
    json.at("threads").get_to(r.threads);
    for (const auto& one : json.at("cases")) r.timings.push_back(timing_from(one));
    if (r.timings.empty()) throw Error("it has no cases");
    return r;
  } catch (const Json::exception& error) {
    const std::string what = error.what();  // "[json.exception.x] what"
    throw wrong(what.substr(what.find("] ") == std::string::npos ? 0 : what.find("] ") + 2));
  } catch (const Error& error) {
    throw wrong(error.what());
  }
}

}  // namespace hilum::bench
