// SPDX-License-Identifier: Apache-2.0
// The library of kernels beside a plugin, as a file: what it is compiled for, needs and exports.
// HILUM_KERNELS_OF is the plugin's file without .so.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace hilum_kernels {
namespace {
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

const std::string kFile = HILUM_BINARY_DIR "/plugins/cuda_" HILUM_KERNELS_OF ".so";
const std::string kPlugin = std::string(HILUM_KERNELS_OF).substr(std::strlen("regularizer_"));
const std::string kEntry = "hilum_" + kPlugin + "_kernels";

// What the table of each library begins with.
struct Beginning {
  int version;
  const char* (*usable)(int device);
};

class KernelLibrary : public ::testing::Test {
 protected:
  void SetUp() override {
#ifndef HILUM_KERNELS_BUILT
    GTEST_SKIP() << "built without nvcc, or with HILUM_CUDA_KERNELS=OFF";
#endif
  }
};

std::string output_of(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  std::string text;
  char buffer[4096];
  while (pipe && std::fgets(buffer, sizeof buffer, pipe)) text += buffer;
  if (!pipe || pclose(pipe) != 0) ADD_FAILURE() << command;
  return text;
}

template <class T>
T number(const std::string& bytes, size_t at) {
  T value{};
  if (at + sizeof value <= bytes.size()) std::memcpy(&value, &bytes[at], sizeof value);
  return value;
}

// Compiled code as nvcc stores it: after a header each part begins with what it is (1: PTX, 2: code
// of a device), its own header's size, its size, and at 28 the device's number.
std::set<std::string> devices(const std::string& bytes) {
  std::set<std::string> found;
  const std::string magic("\x50\xed\x55\xba\x01\x00", 6);
  for (size_t at = bytes.find(magic); at != std::string::npos; at = bytes.find(magic, at + 1)) {
    size_t part = at + number<uint16_t>(bytes, at + 6);
    const size_t end = part + number<uint64_t>(bytes, at + 8);
    while (part + 32 <= std::min(end, bytes.size())) {
      const auto device = std::to_string(number<uint32_t>(bytes, part + 28));
      found.insert((number<uint16_t>(bytes, part) == 1 ? "compute_" : "sm_") + device);
      const size_t size = number<uint32_t>(bytes, part + 4) + number<uint64_t>(bytes, part + 8);
      if (size == 0) break;
      part += size;
    }
  }
  return found;
}

TEST_F(KernelLibrary, HasCodeForItsDevices) {
  std::ifstream file(kFile, std::ios::binary);
  ASSERT_TRUE(file) << kFile;
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(devices(bytes), IsSupersetOf({"sm_80", "sm_90", "compute_90"}));
}

TEST_F(KernelLibrary, NeedsNothingOfCudaOrLibTorch) {
  const std::string needed = output_of("readelf -d '" + kFile + "'");
  EXPECT_THAT(needed, HasSubstr("libc.so"));
  for (const char* other : {"libcudart", "libcuda.", "libtorch", "libc10"})
    EXPECT_THAT(needed, Not(HasSubstr(other)));
}

TEST_F(KernelLibrary, ExportsItsEntryAlone) {
  const std::string symbols = output_of("nm -D --defined-only '" + kFile + "'");
  EXPECT_THAT(symbols, HasSubstr(" T " + kEntry));
  for (const char* other : {" cuda", " __cuda", "soft_threshold", "total_variation"})
    EXPECT_THAT(symbols, Not(HasSubstr(other)));
}

// In a process of its own: this one stays without.
TEST_F(KernelLibrary, LoadsWhereThereIsNoGpu) {
  const auto load = [] {
    void* const library = dlopen(kFile.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    const auto entry = reinterpret_cast<const Beginning* (*)()>(dlsym(library, kEntry.c_str()));
    if (!entry || entry()->version != 1) std::exit(2);
    const char* const why_not = entry()->usable(0);  // asks the driver, where there is one
    std::fprintf(stderr, "usable: %s\n", why_not ? why_not : "yes");
    std::exit(entry()->usable(1 << 20) ? 0 : 3);
  };
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(load(), ::testing::ExitedWithCode(0), "usable: .");
}
}  // namespace
}  // namespace hilum_kernels
