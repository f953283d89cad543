#!/usr/bin/env bash
# Installs the Debian packages that building, testing and the examples need; does nothing when they are there.
set -euo pipefail

packages=(libyaml-dev libseccomp-dev libcap-dev libnftables-dev libarchive-dev nettle-dev libsqlite3-dev zlib1g-dev pkg-config lld
    busybox-static mmdebstrap curl)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0

echo "installing: ${missing[*]}"
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
