// SPDX-License-Identifier: Apache-2.0
// How planes are shared out among blocks. A block holds a tile and what its iterations reach around
// it, and computes all of that in shared memory; where a plane fits, the tile is the plane.
#pragma once
#include <algorithm>
#include <cstdint>

#include "block.hpp"

namespace hilum_kernels {

/// Of numbers in a row of shared memory: then those of a column are in different banks, too.
ON_BOTH int64_t odd(int64_t cols) { return cols | 1; }

struct Tiling {
  int rows, cols;            // of a plane
  int tile_rows, tile_cols;  // the last ones of a plane may be smaller

  ON_BOTH int down() const { return (rows + tile_rows - 1) / tile_rows; }
  ON_BOTH int across() const { return (cols + tile_cols - 1) / tile_cols; }
  ON_BOTH int tiles() const { return down() * across(); }
  ON_BOTH int64_t plane() const { return static_cast<int64_t>(rows) * cols; }
  /// Most numbers that a block holds of each kind which reaches `halo` beyond its tile.
  ON_BOTH int64_t held(int halo) const {
    const int64_t most_rows = tile_rows + int64_t{2} * halo,
                  most_cols = tile_cols + int64_t{2} * halo;
    return (most_rows < rows ? most_rows : rows) * odd(most_cols < cols ? most_cols : cols);
  }
};

/// What the block of this index works on.
struct Tile {
  Tiling all;
  int64_t plane;
  Area own, held;

  ON_BOTH Tile(const Tiling& tiling, int64_t index, int halo) : all(tiling) {
    plane = index / tiling.tiles();
    const int tile = static_cast<int>(index % tiling.tiles());
    own.top = tile / tiling.across() * tiling.tile_rows;
    own.left = tile % tiling.across() * tiling.tile_cols;
    own.bottom = least(own.top + tiling.tile_rows, tiling.rows);
    own.right = least(own.left + tiling.tile_cols, tiling.cols);
    held = around(halo);
  }
  /// The tile and `halo` places beyond it on each side, as far as the plane goes.
  ON_BOTH Area around(int halo) const { return around(halo, halo); }
  ON_BOTH Area around(int down, int across) const {
    return {own.top > down ? own.top - down : 0, own.left > across ? own.left - across : 0,
            least(own.bottom + down, all.rows), least(own.right + across, all.cols)};
  }
  ON_BOTH int pitch() const { return static_cast<int>(odd(held.cols())); }
  /// Numbers of what is held.
  ON_BOTH int room() const { return held.rows() * pitch(); }
  /// Where shared memory, and where a plane, has it.
  ON_BOTH int at(int row, int col) const { return (row - held.top) * pitch() + col - held.left; }
  ON_BOTH int64_t in_plane(int row, int col) const {
    return static_cast<int64_t>(row) * all.cols + col;
  }

 private:
  ON_BOTH static int least(int a, int b) { return a < b ? a : b; }
};

/// Values of all planes, [planes,...], `stride` from one to the next.
template <class T>
struct Planes {
  T* data;
  int64_t stride;

  ON_BOTH T* of(int64_t plane) const { return data ? data + plane * stride : nullptr; }
};

/// What a kernel asks for, and what a device has.
struct Demand {
  int64_t planes;
  int rows, cols, iterations;
  int reach;    // of one iteration
  int beyond;   // and of what comes after the last one
  int buffers;  // as large as what a block holds
};
struct Device {
  int processors;
  int64_t shared_bytes;  // that a block may have
};
struct Plan {
  Tiling tiling;
  int count;  // iterations of one launch; the last may have fewer
  int halo;   // of a launch
  int64_t shared_bytes;
};

/// The plan with the least work, by an estimate in cycles: a processor computes two places a cycle
/// or so, and a launch takes a few microseconds. Smaller tiles and more launches only for a tenth
/// less of it. Not measured.
inline Plan plan(const Demand& d, const Device& device) {
  constexpr double kCyclesOfAPlace = 0.5, kCyclesOfALaunch = 7000;
  const int largest = std::max(d.rows, d.cols);
  Plan best{};
  double least = -1;
  bool whole = false;
  for (int wanted = 1; wanted <= d.iterations; wanted *= 2) {
    const int count = (d.iterations + wanted - 1) / wanted;
    const int launches = (d.iterations + count - 1) / count, halo = count * d.reach + d.beyond;
    for (const int side : {largest, 224, 192, 160, 144, 128, 112, 96, 80, 64, 48, 32, 24, 16, 8}) {
      if (side > largest) continue;
      const auto even = [side](int length) {  // tiles of nearly the same size
        const int tiles = (length + side - 1) / side;
        return (length + tiles - 1) / tiles;
      };
      const Tiling t{d.rows, d.cols, even(d.rows), even(d.cols)};
      const int64_t bytes = d.buffers * t.held(halo) * static_cast<int64_t>(sizeof(float));
      if (bytes > device.shared_bytes) continue;
      const int64_t in_turn = (d.planes * t.tiles() + device.processors - 1) / device.processors;
      const double places = static_cast<double>(count * (t.held(halo / 2) + 1) + t.held(halo));
      const double cycles =
          launches * (static_cast<double>(in_turn) * places * kCyclesOfAPlace + kCyclesOfALaunch);
      if (least < 0 || cycles < 0.9 * least)
        least = cycles, best = {.tiling = t, .count = count, .halo = halo, .shared_bytes = bytes};
      if (side == largest) whole = true;
    }
    if (whole) break;  // small planes: one launch
  }
  return best;
}

}  // namespace hilum_kernels
