#!/usr/bin/env bash
# Memory of conmon 20 times over, each with a busybox container of runc, for the table of memory in docs/benchmarks.md.
# Needs root and Debian's conmon and runc. Prints "PSS DIRTY", means in kB.
set -euo pipefail

count=${1:-20}
if [ "${INSIDE:-}" != 1 ]; then
    INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "$count"
fi
folder=$(mktemp -d)
trap 'for i in $(seq "$count"); do runc --root "$folder/runc" delete --force "bench-$i" 2>/dev/null || true; done; rm -rf "$folder"' EXIT
for i in $(seq "$count"); do
    bundle=$folder/$i
    mkdir -p "$bundle/rootfs/bin" "$folder/sockets"
    cp /bin/busybox "$bundle/rootfs/bin/sleep"
    (cd "$bundle" && runc spec)
    sed -i 's|"sh"|"sleep", "1000"|; s|"terminal": true|"terminal": false|' "$bundle/config.json"
    conmon --api-version 1 -c "bench-$i" -u "bench-$i" -n "bench-$i" -r "$(command -v runc)" --runtime-arg --root --runtime-arg "$folder/runc" \
        -b "$bundle" -p "$bundle/pid" -P "$bundle/conmon.pid" --exit-dir "$bundle" --socket-dir-path "$folder/sockets" -l "k8s-file:$bundle/log" >/dev/null 2>&1
done
sleep 2
for pid in $(pgrep -x conmon); do awk '/^Pss:/{p=$2} /^Private_Dirty:/{d=$2} END{print p, d}' "/proc/$pid/smaps_rollup"; done |
    awk '{p+=$1; d+=$2} END{if (!NR) exit 1; printf "%d %d (%d processes)\n", p/NR, d/NR, NR}'
