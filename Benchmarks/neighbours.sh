#!/usr/bin/env bash
# What an operation costs beside the containers of other projects; needs root. Prints a table.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=$(swift build -c "${CONFIGURATION:-release}" --show-bin-path)
exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    sh -c 'ip link set lo up; exec python3 Benchmarks/neighbours.py "$0"' "$bin"
