// SPDX-License-Identifier: Apache-2.0
#include "hilum/convolution.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include <cstring>

#include "core/sdk/kernels/fused.hpp"

namespace hilum {
namespace {
using torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;

// Measured with LibTorch 2.11 (oneDNN 3) and AMX: beyond so many positions, or so many where there
// is a dilation, its gradient is as fast as the product or faster.
constexpr int64_t kMostRows = 1024, kMostDilatedRows = 4096;

int64_t out_size(int64_t in, int64_t kernel, const ConvolutionOptions& o) {
  return (in + 2 * o.padding - o.dilation * (kernel - 1) - 1) / o.stride + 1;
}

// What each position of the result reads: [positions, kernel*kernel*channels], 0 outside.
Tensor neighbourhoods(const Tensor& x, int64_t kernel, const ConvolutionOptions& o) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const int64_t rows = out_size(height, kernel, o), cols = out_size(width, kernel, o);
  const Tensor all = torch::empty({x.size(0) * rows * cols, kernel * kernel * channels},
                                  x.options().memory_format(at::MemoryFormat::Contiguous));
  const auto* const from = data<uint16_t>(x);
  auto* const to = data<uint16_t>(all);
  at::parallel_for(0, all.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t n = p / (rows * cols), top = p / cols % rows * o.stride - o.padding,
                    left = p % cols * o.stride - o.padding;
      auto* put = to + p * all.size(1);
      for (int64_t i = 0; i < kernel * kernel; ++i, put += channels) {
        const int64_t y = top + i / kernel * o.dilation, z = left + i % kernel * o.dilation;
        if (y < 0 || y >= height || z < 0 || z >= width)
          std::memset(put, 0, static_cast<size_t>(channels) * sizeof(*put));
        else
          std::memcpy(put, from + ((n * height + y) * width + z) * channels,
                      static_cast<size_t>(channels) * sizeof(*put));
      }
    }
  });
  return all;
}

// x and dy: rows of channels.
Tensor weight_gradient(const Tensor& x, const Tensor& dy, at::IntArrayRef sizes,
                       const ConvolutionOptions& o) {
  RECORD_FUNCTION("hilum::conv_weight_backward", c10::ArrayRef<const c10::IValue>{});
  const auto as_rows = [](const Tensor& t) {
    return t.permute({0, 2, 3, 1}).reshape({-1, t.size(1)});
  };
  const bool plain = sizes[2] == 1 && o.stride == 1 && o.padding == 0;
  const Tensor read = plain ? as_rows(x) : neighbourhoods(x, sizes[2], o);
  return at::mm(as_rows(dy).t(), read)
      .view({sizes[0], sizes[2], sizes[3], sizes[1]})
      .permute({0, 3, 1, 2});
}

struct SmallConvolution : torch::autograd::Function<SmallConvolution> {
  static Tensor forward(Context* context, const Tensor& x, const Tensor& weight,
                        const ConvolutionOptions& o) {
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = o.stride, context->saved_data["padding"] = o.padding;
    context->saved_data["dilation"] = o.dilation;
    return torch::conv2d(x, weight, {}, o.stride, o.padding, o.dilation);
  }
  static variable_list backward(Context* context, variable_list grads) {
    refuse_second_gradients("convolution");
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const auto number = [&](const char* name) { return context->saved_data[name].toInt(); };
    const ConvolutionOptions o{number("stride"), number("padding"), number("dilation")};
    const Tensor dy = grads[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const auto both = [](int64_t n) { return std::vector<int64_t>{n, n}; };
    Tensor dx;
    if (context->needs_input_grad(0))
      dx = std::get<0>(at::convolution_backward(dy, x, weight, at::OptionalIntArrayRef(),
                                                both(o.stride), both(o.padding), both(o.dilation),
                                                false, both(0), 1, {true, false, false}));
    return {dx, weight_gradient(x, dy, weight.sizes(), o), Tensor()};
  }
};

bool is_small(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvolutionOptions& o) {
  if (!at::GradMode::is_enabled() || !weight.requires_grad() || bias.defined() || x.dim() != 4 ||
      o.groups != 1 || weight.size(2) != weight.size(3) || x.scalar_type() != at::kBFloat16 ||
      !is_rows(x) || torch::jit::tracer::isTracing() || !fused_kernels())
    return false;
  const int64_t rows = out_size(x.size(2), weight.size(2), o),
                cols = out_size(x.size(3), weight.size(2), o);
  return rows > 0 && cols > 0 &&
         x.size(0) * rows * cols <= (o.dilation > 1 ? kMostDilatedRows : kMostRows);
}

// The weight as bfloat16, as autocast would hand it on (and keep it for this step); undefined where
// the convolution is not to compute so.
Tensor as_bfloat16(const Tensor& weight) {
  if (weight.scalar_type() == at::kBFloat16) return weight;
  if (!at::autocast::is_autocast_enabled(at::kCPU) ||
      at::autocast::get_autocast_dtype(at::kCPU) != at::kBFloat16)
    return {};
  return at::autocast::cached_cast(at::kBFloat16, weight, at::kCPU);
}
}  // namespace

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvolutionOptions& o) {
  if (is_small(x, weight, bias, o))
    if (const Tensor narrow = as_bfloat16(weight); narrow.defined())
      return SmallConvolution::apply(x, narrow, o);
  return weight.dim() == 4
             ? torch::conv2d(x, weight, bias, o.stride, o.padding, o.dilation, o.groups)
             : torch::conv3d(x, weight, bias, o.stride, o.padding, o.dilation, o.groups);
}

}  // namespace hilum
