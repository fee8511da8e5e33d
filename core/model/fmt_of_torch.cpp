// SPDX-License-Identifier: Apache-2.0
// LibTorch's headers bring their own {fmt}, newer than Debian's library, and stand first on the
// include path. What it leaves to a library is compiled here, once; each version has its own inline
// namespace, so both live in one program.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {
template FMT_API auto dragonbox::to_decimal(float x) noexcept -> dragonbox::decimal_fp<float>;
template FMT_API auto dragonbox::to_decimal(double x) noexcept -> dragonbox::decimal_fp<double>;
template FMT_API auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto decimal_point_impl(locale_ref) -> char;
}  // namespace detail
FMT_END_NAMESPACE
