#!/usr/bin/env bash
# Time of `hilum runs list --where --sort` over 100,000 runs with 20 metrics each: at most 0.3 s.
#   benchmarks/runs_list.sh [BUILD [FOLDER]]      hyperfine is a Debian package: apt-get install hyperfine
# The store (1.1 GB) is made in FOLDER where it is not there yet, in some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
folder=${2:-${TMPDIR:-/tmp}/hilum_many_runs}
for program in "$build/bin/hilum" "$build/benchmarks/many_runs"; do
  if [ ! -x "$program" ]; then
    echo "benchmarks/runs_list.sh: no program $program: ninja -C $build hilum many_runs" >&2
    exit 1
  fi
done
if ! command -v hyperfine > /dev/null; then
  echo "benchmarks/runs_list.sh: hyperfine is missing: apt-get install hyperfine" >&2
  exit 1
fi
[ -e "$folder/hilum.db" ] || "$build/benchmarks/many_runs" "$folder"
export HILUM_RUNS=$folder
times=$(mktemp)
trap 'rm -f "$times"' EXIT
# Some match, hardly any, nearly all; and what cannot be looked up in an index.
for where in "dice > 0.8 or auc > 0.9" "dice > 0.9999 or auc > 0.9999" "dice > 0.0001 or auc > 0.0001" \
  "not dice > 0.0001"; do
  for sort in "" "--sort -dice"; do
    printf '%-32s %-14s ' "$where" "$sort"
    hyperfine --shell=none --warmup 2 --min-runs 10 --export-csv "$times" \
      "$build/bin/hilum runs list --where '$where' $sort --top 20 --columns id,name,dice,auc,train.lr,seed" > /dev/null 2>&1
    tail -1 "$times" | awk -F, '{printf "%5.0f ms (worst %.0f)\n", $(NF-4) * 1000, $NF * 1000}'
  done
done
