#!/usr/bin/env bash
# Runs the tests, all or those that the arguments choose (`--filter …`). All are run in three parts: side by side, those that only
# compute would take the time of those that wait for processes, and those have limits. What failed is said again at the end, where
# it is not lost among a thousand lines.
set -euo pipefail

cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() { "${SWIFT:-swift}" test "$@" 2>&1 | tee -a "$log"; }
if [ $# -gt 0 ]; then
    if run "$@"; then exit 0; fi
else
    processes='RuntimeTests|MonitorTests|NetworkingTests|LinuxTests'
    failed=0
    run --skip "IntegrationTests|$processes" || failed=1
    run --skip-build --filter "$processes" || failed=1
    run --skip-build --filter IntegrationTests || failed=1
    [ $failed = 1 ] || exit 0
fi
echo
echo "what failed:"
grep -a -e '✘' -e 'error:' "$log" || tail -n 20 "$log"
exit 1
