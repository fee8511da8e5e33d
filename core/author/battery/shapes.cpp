// SPDX-License-Identifier: Apache-2.0
// Sizes that a plugin must compute at, and what its kind promises of what comes out.
#include <fmt/format.h>
#include <torch/torch.h>

#include "core/author/battery/checks.hpp"

namespace hilum::author {
namespace {

void keeps_size(Trial& t) {
  for (const int64_t dims : {2, 3})
    for (const int64_t odd : {0, 1}) {
      auto size = t.usual(dims);
      for (auto& n : size) n += odd;
      t.trying(fmt::format("two features of {}", sizes(size)));
      Subject s = t.small_one({.size = size});
      const Tensor out = evaluated(s, s.inputs)[0];
      t.expect(out.sizes().slice(2) == s.inputs[0].sizes().slice(2),
               fmt::format("{} comes out", sizes(out.sizes())),
               "What forward returns takes the place of in[0]: its height and width must stay. A "
               "pooling or a stride inside, or a resize that rounds?");
    }
  const auto size = t.usual(2);
  const std::vector<int64_t> other{size[0] / 2, size[1] / 2 + 1};
  Site site{.in = {{1, 6, size[0], size[1]}, {1, 6, other[0], other[1]}},
            .image = {1, 1, size[0], size[1]}};
  const auto made = std::dynamic_pointer_cast<Fusion>(t.part.make(small(t.part), site));
  if (!made || !made->any_size()) return;
  t.trying(
      fmt::format("features of {} and {}, since any_size() is true", sizes(size), sizes(other)));
  const torch::NoGradGuard no_grad;
  const auto out = made->forward(
      {torch::rand({2, 6, size[0], size[1]}), torch::rand({2, 6, other[0], other[1]})});
  t.expect(out.sizes().slice(2) == c10::IntArrayRef(size),
           fmt::format("{} comes out", sizes(out.sizes())),
           "Resize what is mixed in to in[0]: hilum::resample_like(in[i], in[0]).");
}

void keeps_logits(Trial& t) {
  for (const int64_t dims : {2, 3}) {
    t.trying(fmt::format("logits of {} in {}D", sizes(t.usual(dims)), dims));
    Subject s = t.small_one({.size = t.usual(dims)});
    const Tensor out = evaluated(s, s.inputs)[0];
    t.expect(out.sizes() == s.inputs[0].sizes(), fmt::format("{} comes out", sizes(out.sizes())),
             "A regularizer rewrites logits: as many as it was given.");
    t.expect(out.scalar_type() == torch::kFloat, fmt::format("{} comes out", out.dtype().name()),
             "Losses want float32.");
  }
  t.trying("logits a hundred times as large, with their gradient");
  Subject s = t.small_one({.size = t.usual(2)});
  s.inputs[0] = (s.inputs[0] * 100).detach().set_requires_grad(true);
  const auto loss = s.loss(s.inputs);
  loss.backward();
  t.expect(loss.isfinite().item<bool>() && s.inputs[0].grad().isfinite().all().item<bool>(),
           "it is not finite", "exp of a large number: use sigmoid, softplus or logsumexp.");
}

void gives_outputs(Trial& t) {
  for (const int64_t dims : {2, 3}) {
    t.trying(fmt::format("a feature of {} in {}D", sizes(t.usual(dims)), dims));
    Subject s = t.small_one({.size = t.usual(dims)});
    auto& head = dynamic_cast<Head&>(*s.module);
    s.module->eval();
    Named all = head.forward(s.inputs);
    for (auto& [name, y] : head.predict(all)) all[name] = y;
    const auto declared = head.outputs();
    t.expect(!declared.empty(), "outputs() is empty",
             "Say what it gives: {{.kind = ..., .target = ...}}; metrics follow from it.");
    for (const auto& o : declared) {
      for (const auto& name : {o.logits, o.probability})
        t.expect(all.count(name) > 0, fmt::format("there is no output '{}'", name),
                 "outputs() names it; forward or predict must give it.");
      const Tensor& p = all.at(o.probability);
      const int64_t wanted = o.kind == OutputKind::mask ? dims + 2 : 2;
      t.expect(p.dim() == wanted, fmt::format("'{}' is {}", o.probability, sizes(p.sizes())),
               o.kind == OutputKind::mask ? "A mask is [N,1,H,W] or [N,1,D,H,W]."
                                          : "One number a sample: [N,1].");
      if (o.kind == OutputKind::ordinal || o.kind == OutputKind::regression) continue;
      t.expect(p.ge(0).logical_and(p.le(1)).all().item<bool>(),
               fmt::format("'{}' leaves [0, 1]", o.probability),
               "predict makes a probability of logits: sigmoid or softmax.");
    }
  }
}

}  // namespace

void check_shapes(Trial& t) {
  const Values options = narrow(t.part);
  for (const int64_t dims : {2, 3}) {
    t.trying(fmt::format("sides of 1, 2, 4, ... in {}D", dims));
    const int64_t least = smallest(t.part, options, dims);
    if (least > 32) {
      Subject s = make(t.part, options, {.size = Size(static_cast<size_t>(dims), 32), .batch = 1});
      evaluated(s, s.inputs);  // says why
    }
    const auto n = static_cast<size_t>(dims);
    const Size odd =
        dims == 2 ? Size{2 * least + 1, least + 3} : Size{least, least + 3, 2 * least + 1};
    for (const auto& size : {Size(n, least), Size(n, 2 * least), odd})
      for (const int64_t batch : {1, 2}) {
        t.trying(fmt::format("a batch of {} of {} in eval mode", batch, sizes(size)));
        Subject s = make(t.part, options, {.size = size, .batch = batch});
        const auto out = evaluated(s, s.inputs);
        t.expect(!out.empty(), "nothing comes out", "A backbone needs a stage, a head an output.");
        for (const auto& y : out) {
          t.expect(y.dim() > 0 && y.size(0) == batch, fmt::format("{} comes out", sizes(y.sizes())),
                   "The first size is the batch's.");
          t.expect(y.isfinite().all().item<bool>(), "an output is not finite",
                   "A division by a size, or a variance of a single value?");
        }
      }
  }
}

void check_own_shapes(Trial& t) {
  if (t.part.kind == "fusion") keeps_size(t);
  if (t.part.kind == "regularizer") keeps_logits(t);
  if (t.part.kind == "head") gives_outputs(t);
}

void check_guide(Trial& t) {
  t.trying("logits without a guide");
  Subject s = t.small_one({.size = t.usual(2), .guided = false});
  if (const Tensor loss = s.loss(s.inputs); loss.requires_grad()) loss.backward();
  for (const auto& item : s.module->named_parameters())
    t.expect(item.value().grad().defined(), "'" + item.key() + "' is there for a guide that is not",
             "Make it only where site.in.size() is 2.");
}

void check_unknown(Trial& t) {
  t.trying("targets that nobody knows (NaN)");
  Subject s = t.small_one({.size = t.usual(2)});
  auto& head = dynamic_cast<Head&>(*s.module);
  Named outputs = head.forward(s.inputs);
  for (auto& [name, y] : head.predict(outputs)) outputs[name] = y;
  Tensor sum = torch::zeros({});
  for (const auto& [name, term] : head.loss(outputs, targets(head, t.usual(2), 2, false))) {
    t.expect(term.dim() == 0, fmt::format("the loss '{}' is {}", name, sizes(term.sizes())),
             "A loss is one number.");
    t.expect(term.isfinite().item<bool>(), "the loss '" + name + "' is not finite",
             "Take the mean over y.isfinite() alone, and let it be 0 where that is empty.");
    sum = sum + term;
  }
  if (!sum.requires_grad()) return;
  sum.backward();
  for (const auto& item : s.module->named_parameters())
    t.expect(!item.value().grad().defined() || item.value().grad().isfinite().all().item<bool>(),
             "the gradient of '" + item.key() + "' is not finite",
             "0 times NaN is NaN: y.nan_to_num() before the loss.");
}

}  // namespace hilum::author
