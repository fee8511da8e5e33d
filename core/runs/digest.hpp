// SPDX-License-Identifier: Apache-2.0
// A run's figures as one number, so that a figure edited by hand is noticed. It guards against
// slips and quiet corrections; whoever forges a store can compute it too.
#pragma once
#include <string>

#include "core/runs/queries.hpp"
#include "core/runs/sqlite/connection.hpp"

namespace hilum::runs {

/// SHA-256 over the run's config hash, plugins, metrics and case figures, bit for bit and in an
/// order that does not depend on when they were written. Call inside Connection::read or write.
std::string figures_digest(Connection& store, const std::string& run);
/// What the run's recorded digest says of its figures. Call inside Connection::read or write.
Seal seal_of(Connection& store, const std::string& run);
/// Records the digest of the figures as they are. Call inside Connection::write.
void write_seal(Connection& store, const std::string& run);

}  // namespace hilum::runs
