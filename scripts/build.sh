#!/usr/bin/env bash
# Builds everything for release; says at its start what that costs, and meanwhile how far it is.
set -euo pipefail

cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
if [ ! -e .build/release ]; then
    cores=$(nproc)
    minutes=$(((16 + cores - 1) / cores))
    echo "== building berth and the libraries that it uses: about $minutes minutes with $cores cores the first time, seconds afterwards"
fi

# In a terminal swift counts by itself. Elsewhere its thousands of lines become one for each twentieth.
if [ -t 1 ]; then exec "$swift" build -c release; fi
last=-1
"$swift" build -c release 2>&1 | while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
        part=$((BASH_REMATCH[1] * 20 / (BASH_REMATCH[2] + 1)))
        if ((part > last)); then
            last=$part
            printf '   %3d %%  (step %d of %d)\n' $((part * 5)) "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
        fi
    else
        printf '%s\n' "$line"
    fi
done
