// SPDX-License-Identifier: Apache-2.0
#include "hilum/norm.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include <cmath>
#include <optional>
#include <vector>

#include "core/sdk/kernels/element.hpp"
#include "core/sdk/kernels/fused.hpp"
#include "core/sdk/kernels/norm_rows.hpp"

namespace hilum {
namespace {
using norm_rows::Rows;
using torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;

// x as rows of channels, in chunks that do not depend on the number of threads, so that neither do
// sums.
struct Batch {
  explicit Batch(const Tensor& x) : channels(x.size(1)), rows(x.numel() / channels) {
    chunk = std::max<int64_t>(16, (rows + 63) / 64);
    chunks = (rows + chunk - 1) / chunk;
  }
  // work(first value, rows, number of the chunk)
  template <class F>
  void each(F work) const {
    at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        work(k * chunk * channels, Rows{std::min(chunk, rows - k * chunk), channels}, k);
    });
  }
  int64_t channels, rows, chunk, chunks;
};

Tensor per_channel(const Tensor& like) { return torch::empty({like.numel()}, torch::kFloat); }
float* values(const Tensor& t) { return t.mutable_data_ptr<float>(); }
const float* read(const Tensor& t) { return t.const_data_ptr<float>(); }

// Two sums of each channel over all rows; fill(first value, rows, where to, and the second).
struct Sums {
  template <class F>
  Sums(const Batch& batch, F fill)
      : first(static_cast<size_t>(batch.channels)), second(first.size()) {
    const size_t c = first.size();
    std::vector<float> parts(static_cast<size_t>(2 * batch.chunks) * c);
    batch.each([&](int64_t at, Rows rows, int64_t k) {
      float* const own = parts.data() + static_cast<size_t>(2 * k) * c;
      fill(at, rows, own, own + c);
    });
    for (const float* own = parts.data(); own < parts.data() + parts.size(); own += 2 * c)
      for (size_t j = 0; j < c; ++j)
        first[j] += static_cast<double>(own[j]), second[j] += static_cast<double>(own[c + j]);
  }
  std::vector<double> first, second;
};

// y = a x + b; float32, [channels] each.
struct Affine {
  Tensor a, b, mean, deviation;
  Affine(const NormImpl& norm)
      : a(per_channel(norm.weight)),
        b(per_channel(a)),
        mean(per_channel(a)),
        deviation(per_channel(a)) {}
  Affine(const variable_list& saved, size_t at)
      : a(saved[at]), b(saved[at + 1]), mean(saved[at + 2]), deviation(saved[at + 3]) {}
  void set(const NormImpl& norm, int64_t j, double m, double variance) {
    const double d = std::sqrt(variance + norm.options.eps());
    const double slope = static_cast<double>(read(norm.weight)[j]) / d;
    values(a)[j] = static_cast<float>(slope);
    values(b)[j] = static_cast<float>(static_cast<double>(read(norm.bias)[j]) - slope * m);
    values(mean)[j] = static_cast<float>(m), values(deviation)[j] = static_cast<float>(d);
  }
  norm_rows::Affine rows(bool relu) const { return {read(a), read(b), relu}; }
};

Affine of_running(const NormImpl& norm) {
  Affine all(norm);
  for (int64_t j = 0; j < all.a.numel(); ++j)
    all.set(norm, j, static_cast<double>(read(norm.running_mean)[j]),
            static_cast<double>(read(norm.running_var)[j]));
  return all;
}

Affine of_batch(NormImpl& norm, const Tensor& x) {
  const Batch batch(x);
  Affine all(norm);
  of_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* const from = data<T>(x);
    // Close to the mean, so that little cancels: the first row.
    const Tensor shift = per_channel(all.a);
    copy_row(from, batch.channels, values(shift));
    const Sums sums(batch, [&](int64_t at, Rows rows, float* sum, float* squares) {
      moments(from + at, rows, read(shift), sum, squares);
    });
    const auto count = static_cast<double>(batch.rows);
    const auto momentum = static_cast<float>(*norm.options.momentum());
    float *const mean = values(norm.running_mean), *const var = values(norm.running_var);
    for (int64_t j = 0; j < batch.channels; ++j) {
      const double moved = sums.first[static_cast<size_t>(j)] / count;
      const double variance = sums.second[static_cast<size_t>(j)] / count - moved * moved;
      const double m = moved + static_cast<double>(read(shift)[j]), v = variance < 0 ? 0 : variance;
      all.set(norm, j, m, v);
      mean[j] += momentum * (static_cast<float>(m) - mean[j]);
      var[j] += momentum * (static_cast<float>(v * count / (count - 1)) - var[j]);
    }
  });
  norm.running_mean.unsafeGetTensorImpl()->bump_version();
  norm.running_var.unsafeGetTensorImpl()->bump_version();
  return all;
}

Tensor normalized(const Tensor& x, const Tensor& add, const Affine& affine, bool relu) {
  const Tensor y = torch::empty_like(x);
  of_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T *const from = data<T>(x), *const more = data<T>(add);
    T* const to = data<T>(y);
    Batch(x).each([&](int64_t at, Rows rows, int64_t) {
      normalize(from + at, more ? more + at : nullptr, rows, affine.rows(relu), to + at);
    });
  });
  return y;
}

struct Gradients {
  Tensor dx, weight, bias, dadd;
};

// y: where something was added before a ReLU.
Gradients gradients(const Tensor& x, const Tensor& y, const Tensor& dy, const Affine& affine,
                    bool relu, bool fixed) {
  const Batch batch(x);
  Gradients g{torch::empty_like(x), per_channel(affine.a), per_channel(affine.a),
              y.defined() ? torch::empty_like(x) : Tensor()};
  of_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T *const from = data<T>(x), *const out = data<T>(y), *const d = data<T>(dy);
    T *const to = data<T>(g.dx), *const more = data<T>(g.dadd);
    const float* const mean = read(affine.mean);
    const Sums sums(batch, [&](int64_t at, Rows rows, float* s, float* q) {
      gradient_sums(from + at, out ? out + at : nullptr, d + at, rows, affine.rows(relu), mean, s,
                    q);
    });
    const auto count = static_cast<double>(batch.rows);
    const Tensor level = per_channel(affine.a), slope = per_channel(affine.a);
    for (int64_t j = 0; j < batch.channels; ++j) {
      const double s = sums.first[static_cast<size_t>(j)], q = sums.second[static_cast<size_t>(j)];
      const auto deviation = static_cast<double>(read(affine.deviation)[j]);
      values(g.bias)[j] = static_cast<float>(s);
      values(g.weight)[j] = static_cast<float>(q / deviation);
      values(level)[j] = static_cast<float>(s / count);
      values(slope)[j] = static_cast<float>(q / (count * deviation * deviation));
    }
    const norm_rows::Centre centre{mean, fixed ? nullptr : read(level), read(slope)};
    batch.each([&](int64_t at, Rows rows, int64_t) {
      input_gradient(from + at, out ? out + at : nullptr, d + at, rows, affine.rows(relu), centre,
                     to + at, more ? more + at : nullptr);
    });
  });
  return g;
}

struct FusedNorm : torch::autograd::Function<FusedNorm> {
  // weight and bias are in `affine` already; here they are to receive their gradients.
  static Tensor forward(Context* context, const Tensor& x, const std::optional<Tensor>& add,
                        const Tensor&, const Tensor&, const Affine& affine, bool relu, bool fixed) {
    const Tensor y = normalized(x, add.value_or(Tensor()), affine, relu);
    const Tensor cut = relu && add ? y : Tensor();
    context->save_for_backward({x, cut, affine.a, affine.b, affine.mean, affine.deviation});
    context->saved_data["relu"] = relu, context->saved_data["fixed"] = fixed;
    context->saved_data["added"] = add.has_value();
    return y;
  }
  static variable_list backward(Context* context, variable_list grads) {
    refuse_second_gradients("norm");
    RECORD_FUNCTION("hilum::norm_backward", c10::ArrayRef<const c10::IValue>{});
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &y = saved[1];
    const auto flag = [&](const char* name) { return context->saved_data[name].toBool(); };
    const Tensor dy = grads[0].to(x.scalar_type()).contiguous(channels_last(x));
    const auto g = gradients(x, y, dy, Affine(saved, 2), flag("relu"), flag("fixed"));
    const Tensor dadd = !flag("added") ? Tensor() : y.defined() ? g.dadd : dy;
    return {g.dx, dadd, g.weight, g.bias, Tensor(), Tensor(), Tensor()};
  }
};

bool is_float(const Tensor& t) {
  return t.defined() && t.device().is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous();
}

bool fuses(const NormImpl& norm, const Tensor& x, const Tensor& y) {
  if (!is_rows(x) || x.size(1) != norm.options.num_features() || torch::jit::tracer::isTracing())
    return false;
  if (y.defined() && !(is_rows(y) && y.sizes() == x.sizes() && y.scalar_type() == x.scalar_type()))
    return false;
  return is_float(norm.weight) && is_float(norm.bias) && norm.options.momentum().has_value() &&
         norm.options.track_running_stats() && is_float(norm.running_mean) &&
         is_float(norm.running_var) && fused_kernels();
}
}  // namespace

Tensor NormImpl::apply(const Tensor& x, const Tensor& y, bool relu) {
  const bool one_value =
      x.dim() > 1 && x.numel() == x.size(1);  // which LibTorch refuses to train on
  if (!fuses(*this, x, y) || (is_training() && one_value)) {
    Tensor z = BatchNormImplBase::forward(x);
    if (y.defined()) z = z + y;
    return relu ? z.relu_() : z;
  }
  RECORD_FUNCTION("hilum::norm", c10::ArrayRef<const c10::IValue>{});
  if (is_training()) {
    const torch::NoGradGuard no_grad;
    num_batches_tracked += 1;
  }
  const Affine affine = is_training() ? of_batch(*this, x) : of_running(*this);
  const bool graph =
      at::GradMode::is_enabled() && (x.requires_grad() || (y.defined() && y.requires_grad()) ||
                                     weight.requires_grad() || bias.requires_grad());
  if (!graph) return normalized(x, y, affine, relu);
  // autograd knows an absent tensor as an empty optional only.
  return FusedNorm::apply(x, y.defined() ? std::optional(y) : std::nullopt, weight, bias, affine,
                          relu, !is_training());
}

}  // namespace hilum
