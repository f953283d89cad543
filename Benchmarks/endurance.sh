#!/usr/bin/env bash
# What stays behind of an engine that is used for a long time; see endurance.py. Needs root, busybox and python3; nft tells of rules.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=$(swift build -c "${CONFIGURATION:-release}" --show-bin-path)
exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    bash -c 'ip link set lo up; exec python3 Benchmarks/endurance.py "$0"' "$bin"
