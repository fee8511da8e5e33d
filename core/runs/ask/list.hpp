// SPDX-License-Identifier: Apache-2.0
// Which runs, and in which order: what is behind `hilum runs list`.
#pragma once
#include "core/runs/ask/where.hpp"
#include "core/runs/queries.hpp"

namespace hilum::runs {

/// How far the index of final metrics is followed before every run is looked at.
struct Effort {
  int64_t few = 10000;   // runs that an expression may leave over for it to be looked up
  int64_t first = 1000;  // runs at the front of an order that are looked at first
};
/// The ids that were asked for, in their order. Call inside Connection::read. Throws Error
/// (request) for a wrong expression, name or status.
Strings choose(Connection& store, const ListOptions& options, const Effort& effort = {});
/// The columns of these runs. `store` null: there is none.
Listing list_columns(Connection* store, const Strings& ids, const std::string& columns);
/// A mistake in the options is one where no run is, too.
void check(const ListOptions& options);

}  // namespace hilum::runs
