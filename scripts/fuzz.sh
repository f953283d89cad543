#!/usr/bin/env bash
# Feeds the parsers with mutated inputs: fuzz.sh [ROUNDS [SUBJECT…]], another seed in every run. An input that ends the
# program is put into Tests/FuzzTests/Corpus, where every later test run tries it again.
set -euo pipefail

cd "$(dirname "$0")/.."
rounds=${1:-20000}
shift || true
subjects=("$@")
"${SWIFT:-swift}" build --build-tests
tests="$("${SWIFT:-swift}" build --show-bin-path)/berthPackageTests.xctest"
if [ ${#subjects[@]} -eq 0 ]; then
    mapfile -t subjects < <(BERTH_FUZZ_ONLY=none "$tests" --testing-library swift-testing --filter FuzzTests | grep -aoP 'subject → \K\S+')
fi
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
failed=()
for subject in "${subjects[@]}"; do
    seed=$((RANDOM * 32768 + RANDOM))
    if BERTH_FUZZ_ROUNDS=$rounds BERTH_FUZZ_SEED=$seed BERTH_FUZZ_ONLY=$subject BERTH_FUZZ_KEEP=$kept \
        "$tests" --testing-library swift-testing --filter FuzzTests >"$kept/log" 2>&1; then
        echo "$subject: $rounds inputs, seed $seed"
        continue
    fi
    failed+=("$subject")
    grep -a "✘" "$kept/log" | head -n 3 || true
    for input in "$kept/$subject"*; do
        [ -f "$input" ] || continue
        mkdir -p "Tests/FuzzTests/Corpus/$subject"
        name=$(sha256sum "$input" | cut -c1-12)
        cp "$input" "Tests/FuzzTests/Corpus/$subject/$name"
        echo "$subject: seed $seed fails: Tests/FuzzTests/Corpus/$subject/$name"
    done
    rm -f "$kept/$subject"*
done
[ ${#failed[@]} -eq 0 ]
