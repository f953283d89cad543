#!/usr/bin/env bash
# Builds beside dockerd's BuildKit and buildah, as far as they are installed; see build.py. Needs root.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=${PROGRAMS:-$(swift build -c release --show-bin-path)}
exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    sh -c 'ip link set lo up && mount -t tmpfs tmpfs /run && exec python3 Benchmarks/build.py "$0"' "$bin"
