// SPDX-License-Identifier: Apache-2.0
#include "hilum/resample.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include <cstring>
#include <optional>
#include <vector>

#include "core/sdk/kernels/bilinear_rows.hpp"
#include "core/sdk/kernels/fused.hpp"

namespace hilum {
namespace {
using torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;
namespace tracer = torch::jit::tracer;

// y's spatial size as the next resampling's "output_size": else a traced model is bound to the size
// that it was traced at.
at::IntArrayRef size_like(const Tensor& y) {
  if (tracer::isTracing())
    for (int64_t i = 2; i < y.dim(); ++i)
      tracer::ArgumentStash::stashIntArrayRefElem("output_size", static_cast<size_t>(y.dim()) - 2,
                                                  static_cast<size_t>(i) - 2,
                                                  tracer::getSizeOf(y, i));
  return y.sizes().slice(2);
}
bool same_size(const Tensor& x, const Tensor& y) {
  return !tracer::isTracing() && x.sizes().slice(2) == y.sizes().slice(2);
}

struct Place {
  std::vector<int64_t> size;  // [H,W] of the result
  bool corners = false;
  int64_t beside = 0;  // channels of the skip
  bool skip_last = false;
  int64_t x_at() const { return skip_last ? 0 : beside; }
  int64_t skip_at(int64_t channels) const { return skip_last ? channels : 0; }
};

// work(image, row, Images) for all rows of the result, or of the smaller image where `small`.
template <class F>
void each_row(int64_t images, int64_t channels, at::IntArrayRef from, const Place& p, bool small,
              F work) {
  const bilinear::Axis rows(from[0], p.size[0], p.corners), cols(from[1], p.size[1], p.corners);
  const bilinear::Images s{&rows, &cols, channels, channels + p.beside};
  const int64_t height = small ? rows.in : rows.out;
  at::parallel_for(0, images * height, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> sum(static_cast<size_t>(channels));
    for (int64_t i = begin; i < end; ++i) work(i / height, i % height, s, sum.data());
  });
}

// The skip's channels of some pixels beside each other.
template <class T>
void put_skip(const T* skip, int64_t pixels, int64_t channels, int64_t step, T* to) {
  for (int64_t i = 0; i < pixels; ++i)
    std::memcpy(to + i * step, skip + i * channels, static_cast<size_t>(channels) * sizeof(T));
}

Tensor joined(const Tensor& skip, const Tensor& x, const Place& p) {
  const int64_t channels = x.size(1), all = channels + p.beside;
  const Tensor y = torch::empty({x.size(0), all, p.size[0], p.size[1]},
                                x.options().memory_format(at::MemoryFormat::ChannelsLast));
  of_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T *const from = data<T>(x), *const beside = data<T>(skip);
    T* const to = data<T>(y);
    const int64_t image = x.size(2) * x.size(3) * channels, width = p.size[1];
    each_row(x.size(0), channels, x.sizes().slice(2), p, false,
             [&](int64_t n, int64_t o, const bilinear::Images& s, float*) {
               const int64_t row = (n * p.size[0] + o) * width;
               enlarged(s, from + n * image, o, to + row * all + p.x_at());
               if (beside)
                 put_skip(beside + row * p.beside, width, p.beside, all,
                          to + row * all + p.skip_at(channels));
             });
  });
  return y;
}

Tensor input_gradient(const Tensor& dy, at::IntArrayRef sizes, const Place& p) {
  const Tensor dx = torch::empty(sizes, dy.options().memory_format(at::MemoryFormat::ChannelsLast));
  of_type(dy, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* const from = data<T>(dy) + p.x_at();
    T* const to = data<T>(dx);
    const int64_t line = sizes[3] * sizes[1], image = p.size[0] * p.size[1] * dy.size(1);
    each_row(sizes[0], sizes[1], sizes.slice(2), p, true,
             [&](int64_t n, int64_t i, const bilinear::Images& s, float* sum) {
               gathered_back(s, from + n * image, i, sum, to + (n * sizes[2] + i) * line);
             });
  });
  return dx;
}

struct FusedJoin : torch::autograd::Function<FusedJoin> {
  static Tensor forward(Context* context, const std::optional<Tensor>& skip, const Tensor& x,
                        const Place& p) {
    context->saved_data["sizes"] = x.sizes().vec();
    context->saved_data["size"] = p.size;
    context->saved_data["corners"] = p.corners;
    context->saved_data["beside"] = p.beside;
    context->saved_data["skip_last"] = p.skip_last;
    return joined(skip.value_or(Tensor()), x, p);
  }
  static variable_list backward(Context* context, variable_list grads) {
    refuse_second_gradients("resample");
    RECORD_FUNCTION("hilum::join_backward", c10::ArrayRef<const c10::IValue>{});
    auto& saved = context->saved_data;
    const auto sizes = saved["sizes"].toIntVector();
    const Place p{saved["size"].toIntVector(), saved["corners"].toBool(), saved["beside"].toInt(),
                  saved["skip_last"].toBool()};
    const Tensor dy = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    // In one piece: what is added to the skip's gradient next runs through all of it.
    const Tensor dskip =
        p.beside
            ? dy.narrow(1, p.skip_at(sizes[1]), p.beside).contiguous(at::MemoryFormat::ChannelsLast)
            : Tensor();
    return {dskip, input_gradient(dy, sizes, p), Tensor()};
  }
};

// A vector is filled along the channels; a head's single logit has none to speak of.
bool fuses(const Tensor& x) {
  return x.dim() == 4 && x.size(1) >= 4 && is_rows(x) && !tracer::isTracing() && fused_kernels();
}

Tensor fused(const Tensor& skip, const Tensor& x, const Place& p) {
  RECORD_FUNCTION("hilum::join", c10::ArrayRef<const c10::IValue>{});
  const bool graph =
      at::GradMode::is_enabled() && (x.requires_grad() || (skip.defined() && skip.requires_grad()));
  if (!graph) return joined(skip, x, p);
  // autograd knows an absent tensor as an empty optional only.
  return FusedJoin::apply(skip.defined() ? std::optional(skip) : std::nullopt, x, p);
}
}  // namespace

Tensor resample(const Tensor& x, at::IntArrayRef size, bool corners) {
  if (fuses(x) && size.size() == 2 && size[0] > 0 && size[1] > 0)
    return fused({}, x, {.size = size.vec(), .corners = corners});
  return x.dim() == 4 ? torch::upsample_bilinear2d(x, size, corners)
                      : torch::upsample_trilinear3d(x, size, corners);
}

Tensor resample_like(const Tensor& x, const Tensor& y, bool corners) {
  return same_size(x, y) ? x : resample(x, size_like(y), corners);
}

Tensor repeat_like(const Tensor& x, const Tensor& y) {
  if (same_size(x, y)) return x;
  const auto size = size_like(y);
  return x.dim() == 4 ? torch::upsample_nearest2d(x, size) : torch::upsample_nearest3d(x, size);
}

Tensor join(const Tensor& skip, const Tensor& x, const JoinOptions& o) {
  if (!same_size(x, skip) && fuses(x) && fuses(skip) && skip.scalar_type() == x.scalar_type() &&
      skip.size(0) == x.size(0))
    return fused(skip, x,
                 {.size = skip.sizes().slice(2).vec(),
                  .corners = o.corners,
                  .beside = skip.size(1),
                  .skip_last = o.skip_last});
  const Tensor y = resample_like(x, skip, o.corners);
  return o.skip_last ? torch::cat({y, skip}, 1) : torch::cat({skip, y}, 1);
}

}  // namespace hilum
