#!/usr/bin/env bash
# Makes a Python environment to compare with, in the user cache, and prints its python.
#   scripts/peer_env.sh [peer|logging_peer]
# peer: for `make parity`, about 5 GB, since PyTorch's wheel for Linux is the one with CUDA. logging_peer: for
# `make bench-logging`, about 1 GB. Pins: the lines of dependencies.txt that begin so. An environment that is there
# for these pins is used as it is.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kind=${1:-peer}
mapfile -t pins < <(sed -n "s/^$kind  *\([^ ]*\).*/\1/p" "$here/../dependencies.txt")
[ ${#pins[@]} != 0 ] || { echo "dependencies.txt has no '$kind' lines, so there is nothing to install" >&2; exit 1; }
hash=$(printf '%s\n' "${pins[@]}" | sha256sum | cut -c1-12)
cache=${HILUM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hilum}
folder=$cache/peers-$hash

if [ ! -e "$folder/complete" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/.peers.lock"
  flock 9                                # two that start at once install once
fi
if [ ! -e "$folder/complete" ]; then
  echo "installing ${pins[*]} into $folder" >&2
  rm -rf "$folder"                       # what an interrupted installation left
  python3 -m venv "$folder" >&2
  "$folder/bin/python" -m pip --disable-pip-version-check install --only-binary=:all: "${pins[@]}" >&2
  touch "$folder/complete"
fi
echo "$folder/bin/python"
