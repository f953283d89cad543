#!/usr/bin/env bash
# Runs berth in a stock Debian 12 virtual machine: by hand, and as its systemd unit. BERTH_VM is a launcher that boots one and
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

"$BERTH_VM" --timeout 1200 --with libnftables1 --with libsqlite3-0 --with libarchive13 --with curl --share "$share:/mnt/berth:ro" -- bash /mnt/berth/inside.sh
