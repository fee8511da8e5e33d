// SPDX-License-Identifier: Apache-2.0
#include "core/model/plan.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "core/util/text.hpp"

namespace hilum::model {
namespace {

const char* kind(const Op& op) {
  switch (op.kind) {
    case Op::Kind::input:
      return "input";
    case Op::Kind::stage:
      return "stage";
    case Op::Kind::fusion:
      return "fusion";
    case Op::Kind::head:
      return "head";
  }
  return "";
}

Strings reads(const Op& op) {
  Strings names;
  for (const auto& read : op.reads) names.push_back(read.address);
  return names;
}

std::string shape_text(const Shape& shape) {
  Strings sizes;
  for (size_t i = 1; i < shape.size(); ++i) sizes.push_back(std::to_string(shape[i]));
  return join(sizes, "×");
}

// 7762465 -> 7,762,465
std::string grouped(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

struct Totals {
  int64_t parameters = 0, trained = 0, macs = 0, bytes = 0;
};

Totals totals(const Model& model) {
  Totals sum;
  for (const auto& info : model.ops()) sum.macs += info.macs, sum.bytes += info.activation_bytes;
  for (const auto& p : model.parameters()) {
    sum.parameters += p.numel();
    if (p.requires_grad()) sum.trained += p.numel();
  }
  return sum;
}

}  // namespace

std::string plan_text(const Model& model) {
  std::vector<std::vector<std::string>> rows{
      {"operation", "plugin", "reads", "shape", "parameters", "MMACs", "memory MiB"}};
  for (const auto& info : model.ops())
    rows.push_back(
        {info.op.name, info.plugin, join(reads(info.op), " + "), shape_text(info.shape),
         info.parameters ? grouped(info.parameters) : "-",
         info.macs ? fmt::format("{:.2f}", static_cast<double>(info.macs) / 1e6) : "-",
         info.activation_bytes
             ? fmt::format("{:.2f}", static_cast<double>(info.activation_bytes) / (1 << 20))
             : "-"});
  const Totals sum = totals(model);
  std::string text = util::table(rows);
  text += fmt::format(
      "\n{} parameters, {} of them trained; {:.3f} GMACs and {:.1f} MiB of activations a sample "
      "(float32, every tensor that an operation makes)\n",
      grouped(sum.parameters), grouped(sum.trained), static_cast<double>(sum.macs) / 1e9,
      static_cast<double>(sum.bytes) / (1 << 20));
  if (!model.unread().empty())
    text += "not built, since no head reads them: " + join(model.unread(), ", ") + "\n";
  return text;
}

std::string plan_json(const Model& model) {
  nlohmann::ordered_json ops = nlohmann::ordered_json::array();
  for (const auto& info : model.ops())
    ops.push_back({{"name", info.op.name},
                   {"kind", kind(info.op)},
                   {"plugin", info.plugin},
                   {"reads", reads(info.op)},
                   {"shape", static_cast<const std::vector<int64_t>&>(info.shape)},
                   {"parameters", info.parameters},
                   {"macs", info.macs},
                   {"activation_bytes", info.activation_bytes}});
  const Totals sum = totals(model);
  const nlohmann::ordered_json json{{"ops", ops},
                                    {"unread", model.unread()},
                                    {"totals",
                                     {{"parameters", sum.parameters},
                                      {"trained", sum.trained},
                                      {"macs", sum.macs},
                                      {"activation_bytes", sum.bytes}}}};
  return json.dump(2) + "\n";
}

std::string plan_dot(const Model& model) {
  std::string text = "digraph model {\n  rankdir=TB; node [shape=box, fontname=\"sans-serif\"];\n";
  for (const auto& info : model.ops()) {
    const bool fusion = info.op.kind == Op::Kind::fusion;
    text += fmt::format("  \"{}\" [label=\"{}\\n{}\"{}];\n", info.op.name, info.op.name,
                        shape_text(info.shape),
                        fusion                           ? ", style=filled, fillcolor=lightyellow"
                        : info.op.kind == Op::Kind::head ? ", style=filled, fillcolor=lightblue"
                                                         : "");
    for (const auto& read : info.op.reads)
      text += fmt::format("  \"{}\" -> \"{}\";\n",
                          model.ops()[static_cast<size_t>(read.op)].op.name, info.op.name);
    if (info.op.guide >= 0)
      text += fmt::format("  \"{}\" -> \"{}\" [style=dashed, label=\"guide\"];\n",
                          model.ops()[static_cast<size_t>(info.op.guide)].op.name, info.op.name);
  }
  return text + "}\n";
}

}  // namespace hilum::model
