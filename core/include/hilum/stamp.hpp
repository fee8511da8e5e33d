// SPDX-License-Identifier: Apache-2.0
// The stamp: a constant whose *name* says what a library was built for, read from its symbol table
// without running any of its code. A C++ interface over LibTorch needs exact agreement on all of
// it.
#pragma once
#include <torch/version.h>

/// Raise on any change in core/include/hilum; tests/unit/sdk/sdk_number_test.cpp holds the hash
/// that goes with it.
#define HILUM_SDK 3

// HILUM_TORCH_CUDA comes from CMake (version.py of LibTorch): the CPU headers do not have it.
#define HILUM_STAMP_JOIN_(sdk, a, b, c, cuda, cxx11, gxx) \
  hilum_abi_##sdk##__torch_##a##_##b##_##c##__cuda_##cuda##__cxx11_##cxx11##__gxx_##gxx
#define HILUM_STAMP_JOIN(...) HILUM_STAMP_JOIN_(__VA_ARGS__)
#define HILUM_STAMP                                                                          \
  HILUM_STAMP_JOIN(HILUM_SDK, TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH, \
                   HILUM_TORCH_CUDA, _GLIBCXX_USE_CXX11_ABI, __GXX_ABI_VERSION)
#define HILUM_STAMP_TEXT_(x) #x
#define HILUM_STAMP_TEXT(x) HILUM_STAMP_TEXT_(x)
/// This program's stamp as text.
#define HILUM_STAMP_STRING HILUM_STAMP_TEXT(HILUM_STAMP)
