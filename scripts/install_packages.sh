#!/usr/bin/env bash
# Installs the Debian packages that dependencies.txt lists, where one is missing. As root, or through sudo.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
packages=$(sed -n 's/^apt  *\([^ ]*\).*/\1/p' "$here/dependencies.txt")
missing=()
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} = 0 ] && exit 0
echo "installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo > /dev/null || { echo "installing packages needs root, or sudo" >&2; exit 1; }
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
