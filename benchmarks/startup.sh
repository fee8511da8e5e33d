#!/usr/bin/env bash
# Start-up of the commands that people wait for: at most 0.5 s for `plugins list`, 0.1 s for `runs list`.
#   benchmarks/startup.sh [BUILD]      hyperfine is a Debian package: apt-get install hyperfine
set -euo pipefail
cd "$(dirname "$0")/.."
hilum=${1:-build}/bin/hilum
if ! command -v hyperfine > /dev/null; then
  echo "benchmarks/startup.sh: hyperfine is missing: apt-get install hyperfine" >&2
  exit 1
fi
if [ ! -x "$hilum" ]; then
  echo "benchmarks/startup.sh: no program $hilum: run 'make demo' first" >&2
  exit 1
fi
# The store of HILUM_RUNS, or runs/: with the runs that are there. --warmup fills the plugin cache.
hyperfine --shell=none --warmup 3 --min-runs 30 "$hilum plugins list" "$hilum runs list"
