// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/model/model.hpp"

namespace hilum::model {

/// The assembled graph for people: a row an operation with inputs, shape, parameters, MACs and
/// memory, then totals.
std::string plan_text(const Model& model);
/// The same as one JSON document: {"ops": [...], "unread": [...], "totals": {...}}.
std::string plan_json(const Model& model);
/// The same for Graphviz.
std::string plan_dot(const Model& model);

}  // namespace hilum::model
