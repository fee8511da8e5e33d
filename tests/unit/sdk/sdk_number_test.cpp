// SPDX-License-Identifier: Apache-2.0
// A plugin and the program share the SDK's templates and layouts, so any change of its headers
// needs a new number in the stamp. Comments and blanks may change freely.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>

#include "core/util/files.hpp"
#include "core/util/sha256.hpp"

namespace {
namespace fs = std::filesystem;

// HILUM_SDK -> hash of core/include/hilum. One line a number that was ever published; the last one
// is now.
const std::map<int, std::string>& published() {
  static const std::map<int, std::string> hashes{
      {1, "ad7f154cacd79064b8a149e2e8f06b310f038de3e8c600405035769d2004d15b"},
      {2, "3785afe1773cf433d40f95f11f19ef54686cb105285ef2820e2b4cef274dc6c9"},
      {3, "fe4c940a5fc0b079ff25ec6f2b9579d8014ed95199e5072605a32d28b2b0722a"},
  };
  return hashes;
}

std::string without_comments(const std::string& text) {
  return std::regex_replace(std::regex_replace(text, std::regex("//[^\n]*"), ""),
                            std::regex("\\s+"), " ");
}

std::string hash_of_headers(const fs::path& folder) {
  std::vector<fs::path> headers;
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.is_regular_file()) headers.push_back(file.path());
  std::sort(headers.begin(), headers.end());
  hilum::util::Sha256 hash;
  for (const auto& header : headers)
    hash.add(fs::relative(header, folder).string())
        .add("\n")
        .add(without_comments(hilum::util::read_file(header)));
  return hash.hex();
}

TEST(SdkNumber, IsRaisedWithEveryChangeOfTheHeaders) {
  const fs::path folder = fs::path(HILUM_SOURCE_DIR) / "core" / "include" / "hilum";
  const std::string stamp = hilum::util::read_file(folder / "stamp.hpp");
  std::smatch number;
  ASSERT_TRUE(std::regex_search(stamp, number, std::regex("#define HILUM_SDK (\\d+)")));
  const int sdk = std::stoi(number.str(1));
  const std::string hash = hash_of_headers(folder);
  ASSERT_TRUE(published().contains(sdk))
      << "HILUM_SDK is new. Add to this test: {" << sdk << ", \"" << hash << "\"},";
  EXPECT_EQ(published().at(sdk), hash) << "core/include/hilum has changed, but HILUM_SDK is still "
                                       << sdk << ": a plugin built before would be "
                                       << "loaded and could crash.\nSet HILUM_SDK to " << sdk + 1
                                       << " in core/include/hilum/stamp.hpp, run this test "
                                       << "again and add the line that it prints.\n(As long as SDK "
                                       << sdk << " has never been published, put the new "
                                       << "hash in its place.)";
  EXPECT_EQ(published().rbegin()->first, sdk) << "a number that is used up came back";
}

}  // namespace
