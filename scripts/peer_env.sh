#!/usr/bin/env bash
# Makes a Python environment to compare with, in the user cache, and prints its python.
#   scripts/peer_env.sh [peer|logging_peer|bench_peer]
# peer: for `make parity`, about 5 GB, since PyTorch's wheel for Linux is the one with CUDA. logging_peer: for
# `make bench-logging`, about 1 GB. bench_peer: for `make bench-peers`, half a GB on top of peer, which it makes too.
# Pins: the lines of dependencies.txt that begin so. An environment that is there for these pins is used as it is.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kind=${1:-peer}
mapfile -t pins < <(sed -n "s/^$kind  *\([^ ]*\).*/\1/p" "$here/../dependencies.txt")
[ ${#pins[@]} != 0 ] || { echo "dependencies.txt has no '$kind' lines, so there is nothing to install" >&2; exit 1; }
below=                                     # the environment whose packages this one sees too
if [ "$kind" = bench_peer ]; then below=$("$0" peer); fi
hash=$(printf '%s\n' "${pins[@]}" ${below:+"$below"} | sha256sum | cut -c1-12)
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
  if [ -n "$below" ]; then
    "$below" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
      > "$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/below.pth"
  fi
  # MedPy has no wheel.
  "$folder/bin/python" -m pip --disable-pip-version-check install --only-binary=:all: --no-binary=medpy "${pins[@]}" >&2
  touch "$folder/complete"
fi
echo "$folder/bin/python"
