#!/usr/bin/env bash
# Puts LibTorch in a user cache that all clones share, and prints its folder (the one with include/ and lib/).
#   scripts/fetch_torch.sh cpu     the CPU parts of the wheel (0.6 GB): enough to build and run on a CPU
#   scripts/fetch_torch.sh cuda    the whole wheel with the CUDA libraries (4.6 GB)
# The PyPI wheel is a complete LibTorch. Versions are pinned in dependencies.txt.
set -euo pipefail

flavour=${1:-cpu}
here=$(cd "$(dirname "$0")" && pwd)
pin() { sed -n "s/^pypi  *\($1==[^ ]*\).*/\1/p" "$here/../dependencies.txt"; }
torch=$(pin torch)
cache=${HILUM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hilum}
folder=$cache/torch-${torch#*==}-$flavour

if [ ! -e "$folder/torch/lib/libtorch_cpu.so" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9                                # two clones that build at once download once
fi
if [ ! -e "$folder/torch/lib/libtorch_cpu.so" ]; then
  echo "fetching $torch ($flavour) into $folder" >&2
  work=$(mktemp -d "$cache/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m venv "$work/venv" >&2
  pip="$work/venv/bin/pip --disable-pip-version-check"
  if [ "$flavour" = cpu ]; then
    $pip download --quiet --no-deps --only-binary=:all: --dest "$work" \
      "$torch" "$(pin nvidia-cuda-runtime)" "$(pin nvidia-cuda-cupti)" >&2
    "$work/venv/bin/python" - "$work" <<'PY' >&2
import pathlib, sys, zipfile
work = pathlib.Path(sys.argv[1])
keep_lib = {"libc10.so", "libtorch_cpu.so", "libgomp.so.1", "libtorch.so", "libshm.so"}
for wheel in work.glob("*.whl"):
    with zipfile.ZipFile(wheel) as z:
        for name in z.namelist():
            file = name.rsplit("/", 1)[-1]
            wanted = (name.startswith("torch/include/") or name == "torch/version.py"
                      or (name.startswith("torch/lib/") and file in keep_lib)
                      or (name.startswith("nvidia/") and file.startswith(("libcudart.so", "libcupti.so"))))
            if wanted and not name.endswith("/"):
                z.extract(name, work / "tree")
PY
  else
    $pip install --quiet --target "$work/tree" "$torch" >&2
  fi
  rm -rf "$folder"
  mv "$work/tree" "$folder"              # complete or absent, never half
fi
echo "$folder/torch"
