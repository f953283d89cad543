#!/usr/bin/env bash
# Images of berth beside those of BuildKit, the classic builder and buildah; needs root. What is missing of the others is left
# out: Debian's docker.io has two of them, its buildah the third. See run.py.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    sh -c 'ip link set lo up && mount -t tmpfs tmpfs /run && exec python3 "$@"' sh "$here/run.py" "$@"
