// SPDX-License-Identifier: Apache-2.0
// The stamp of a library, read from its symbol table: none of its code runs.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

/// "hilum_abi_1__torch_2_11_0__cuda_130__cxx11_1__gxx_1017" as
/// "sdk 1, torch 2.11.0 (CUDA 13.0), g++ ABI 1017". Text of another form is returned as it is.
std::string readable(const std::string& stamp);
/// readable() of the one stamp in the library; "" where it has none, several, or cannot be read.
std::string built_for(const std::filesystem::path& library);
/// This program's.
std::string this_stamp();
/// Steps `stamp` and `entry`: what is wrong with the file, by its exported symbols.
std::optional<Failure> check_symbols(const Entry& entry);
/// The command that builds the library again: `cmake --build DIR --target NAME` where it stands in
/// a build tree, else what to do by hand.
std::string rebuild(const Entry& entry, const std::string& verb = "Rebuild");

}  // namespace hilum::plugins
