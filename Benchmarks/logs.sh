#!/usr/bin/env bash
# Reading logs beside docker compose on dockerd; see logs.py. Needs what run.sh needs.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=$(swift build -c release --show-bin-path)
: "${DOCKER_COMPOSE:?set it to the path of a docker compose v2 binary}"
exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    bash -c 'ip link set lo up; exec python3 Benchmarks/logs.py "$0" "$1"' "$bin" "$DOCKER_COMPOSE"
