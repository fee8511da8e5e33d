// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/runs/queries.hpp"
#include "core/runs/sqlite/connection.hpp"

namespace hilum::runs {

struct Reader::Impl {
  std::filesystem::path folder;
  std::unique_ptr<Connection> store;  // null: there is none
};

}  // namespace hilum::runs
