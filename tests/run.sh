#!/usr/bin/env bash
# Runs the tests of a build directory and ends with one line: N passed, N failed[, N skipped].
#
#   tests/run.sh BUILD_DIR [ctest arguments]
set -uo pipefail
build=${1:?usage: tests/run.sh BUILD_DIR [ctest arguments]}
shift
report=$(mktemp)
trap 'rm -f "$report"' EXIT

ctest --test-dir "$build" --output-on-failure --no-tests=error -j "${CTEST_PARALLEL_LEVEL:-2}" \
  --output-junit "$report" "$@"
status=$?

# The counts stand in the attributes of the report's first element.
Count() { grep -m 1 -A 8 '<testsuite' "$report" | grep -oE "$1=\"[0-9]+\"" | grep -m 1 -oE '[0-9]+' || echo 0; }
total=$(Count tests)
failed=$(Count failures)
skipped=$(( $(Count skipped) + $(Count disabled) ))
if (( status != 0 && failed == 0 )); then failed=1; fi
line="$(( total - failed - skipped > 0 ? total - failed - skipped : 0 )) passed, $failed failed"
if (( skipped > 0 )); then line+=", $skipped skipped"; fi
echo "$line"
exit "$status"
