#!/usr/bin/env bash
# Installs the Debian packages that dependencies.txt lists, where one is missing. As root, or through sudo.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
packages=$(sed -n 's/^apt  *\([^ ]*\).*/\1/p' "$here/dependencies.txt")
missing=$(for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || echo "$p"
done)
[ -z "$missing" ] && exit 0
echo "installing:" $missing
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
as_root apt-get update -q
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
