// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/declaration_json.hpp"

#include <cmath>
#include <limits>

namespace hilum::plugins {
namespace {
using Json = nlohmann::ordered_json;

// JSON has no infinity and no NaN.
Json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double to_number(const Json& json) {
  if (!json.is_string()) return json.get<double>();
  const auto text = json.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return text == "inf" ? infinity : -infinity;
}

Json value_json(const Data& data) {
  if (const auto* value = std::get_if<double>(&data)) return number(*value);
  if (const auto* list = std::get_if<std::vector<double>>(&data)) {
    Json json = Json::array();
    for (const double value : *list) json.push_back(number(value));
    return json;
  }
  return std::visit([](const auto& value) { return Json(value); }, data);
}

// One empty value of each type that an option may have; type_name tells them apart.
const std::vector<Data>& types() {
  static const std::vector<Data> all{false,
                                     int64_t{0},
                                     0.0,
                                     std::string(),
                                     std::vector<int64_t>(),
                                     std::vector<double>(),
                                     Strings(),
                                     std::vector<Strings>()};
  return all;
}

Data to_data(const std::string& type, const Json& json) {
  for (const Data& like : types())
    if (type_name(like) == type)
      return std::visit(
          [&](const auto& value) -> Data {
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<T, double>) {
              return to_number(json);
            } else if constexpr (std::is_same_v<T, std::vector<double>>) {
              T list;
              for (const auto& item : json) list.push_back(to_number(item));
              return list;
            } else {
              return json.get<T>();
            }
          },
          like);
  throw Error("unknown type '" + type + "' in a plugin's description", Fault::plugin);
}

Json parameter_json(const Parameter& p) {
  Json json{{"name", p.name}, {"type", type_name(p.fallback)}, {"default", value_json(p.fallback)}};
  if (p.low > -std::numeric_limits<double>::infinity()) json["low"] = number(p.low);
  if (p.high < std::numeric_limits<double>::infinity()) json["high"] = number(p.high);
  if (!p.choices.empty()) json["choices"] = p.choices;
  if (p.any_scalar) json["any_scalar"] = true;
  json["unit"] = p.unit;
  json["help"] = p.help;
  return json;
}

Parameter parameter_from(const Json& json) {
  Parameter p{json.at("name"), json.at("help"), json.at("unit"),
              to_data(json.at("type"), json.at("default"))};
  if (json.contains("low")) p.low = to_number(json["low"]);
  if (json.contains("high")) p.high = to_number(json["high"]);
  if (json.contains("choices")) p.choices = json["choices"].get<Strings>();
  p.any_scalar = json.value("any_scalar", false);
  return p;
}

}  // namespace

Json to_json(const Declaration& d) {
  Json json{{"kind", d.kind},       {"name", d.name},     {"version", d.version},
            {"summary", d.summary}, {"source", d.source}, {"parameters", Json::array()}};
  for (const auto& parameter : d.parameters)
    json["parameters"].push_back(parameter_json(parameter));
  return json;
}

Declaration declaration_from(const Json& json) {
  Declaration d;
  d.kind = json.at("kind"), d.name = json.at("name"), d.version = json.at("version");
  d.summary = json.at("summary"), d.source = json.at("source");
  for (const auto& parameter : json.at("parameters"))
    d.parameters.push_back(parameter_from(parameter));
  d.validate = [parameters = d.parameters](const Values& values, const std::string& what,
                                           const std::string&, Problems& problems,
                                           const Strings& also_known) {
    (void)check(parameters, values, what, problems, also_known);
  };
  return d;
}

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hilum::plugins
