// SPDX-License-Identifier: Apache-2.0
// Who reads what, before any module is built: stages, fusions and heads as one sorted list of
// operations.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/config/experiment.hpp"
#include "hilum/backbone.hpp"

namespace hilum::model {

/// What an operation reads: another operation's feature, one named output of a head, or a sample
/// input.
struct Read {
  int op = -1;
  std::string output;   // heads: which output; "" elsewhere
  std::string address;  // as a person knows it: "seg.S3", "input.image", "margin.hidden"
  bool last = false;    // nobody reads it later: moved into the call, so that its memory is free
};

struct Op {
  enum class Kind { input, stage, fusion, head } kind = Kind::input;
  std::string name;     // "input.image", "seg.S3", "fusion.combine.seg.S3", "head.mask"
  std::string owner;    // backbone, fusion or head instance; "image" for an input
  std::string feature;  // a fusion: the address it replaces
  std::vector<Read> reads;
  int guide = -1;    // a head's regularizer: the head whose probability guides it
  size_t index = 0;  // which backbone, fusion or head of the experiment
  size_t stage = 0;  // which stage of the backbone's graph
};

struct Wiring {
  std::vector<Op> ops;  // sorted: each after what it reads
  Strings unread;       // stages that nobody reads: not built
};

/// Stride addresses ("cls/8") need sizes: returns the stage's name, or throws.
using StrideResolver =
    std::function<std::string(size_t backbone, int64_t stride, const std::string& where)>;

/// Applies fusions in file order: a fusion reads what earlier entries left (`between`: what was
/// there before it), and every other consumer sees the last version. Throws Error (request):
/// unknown stages with the nearest, a cycle with the loop, a fusion that no head reads.
Wiring wire(const config::Experiment& experiment, const std::vector<Graph>& graphs,
            const StrideResolver& stride);

}  // namespace hilum::model
