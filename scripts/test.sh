#!/usr/bin/env bash
# Runs the tests, all or those that the arguments choose (`--filter …`). What failed is said again at the end, where it is not
# lost among a thousand lines.
set -euo pipefail

cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if "${SWIFT:-swift}" test "$@" 2>&1 | tee "$log"; then exit 0; fi
echo
echo "what failed:"
grep -a -e '✘' -e 'error:' "$log" || tail -n 20 "$log"
exit 1
