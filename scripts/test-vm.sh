#!/usr/bin/env bash
# Runs berth in stock Debian 12 virtual machines: by hand, as its systemd unit, and out of its Debian package. BERTH_VM is a launcher that boots one and
# runs a command in it (`run.sh --share DIR:GUEST:ro --with PACKAGE -- COMMAND`).
set -euo pipefail

cd "$(dirname "$0")/.."
: "${BERTH_VM:?set it to the launcher of the virtual machine}"
bin=$(swift build -c release --show-bin-path)
share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT

mkdir "$share/bin"
for program in berth berthd berth-net berth-monitor berth-runtime berth-init; do cp -L "$bin/$program" "$share/bin/"; done
strip "$share"/bin/*
BERTH=true BERTH_IMAGE_CACHE=$share scripts/example-images.sh busybox >/dev/null
[ -s "$share/busybox.tar" ] || { echo "no busybox archive was made" >&2; exit 1; }
cp -r examples/hello "$share/hello"
for unit in berthd.service berthd.socket; do sed 's|%PREFIX%|/usr/local|g' "packaging/$unit" >"$share/$unit"; done
cp scripts/vm/inside.sh "$share/inside.sh"
cp -r scripts/vm/shop "$share/shop"
cp scripts/vm/package.sh "$share/package.sh"
package=$(scripts/deb.sh | tail -n 1)
cp "$package" "$share/berth.deb"
# What the package needs, since the machine reaches no archive.
mapfile -t needs < <(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/(.*)//; s/ //g')

inside() { "$BERTH_VM" --timeout 1200 "${with[@]}" --share "$share:/mnt/berth:ro" -- bash "/mnt/berth/$1"; }
with=(--with libnftables1 --with libsqlite3-0 --with libarchive13 --with libyaml-0-2 --with curl)
inside inside.sh
with=(--with curl)
for need in "${needs[@]}"; do with+=(--with "$need"); done
inside package.sh
