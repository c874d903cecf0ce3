#!/usr/bin/env bash
# Runs the named stages of the tests one after the other and prints what each took; ends at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

report=""
for stage in "$@"; do
    echo "== $stage"
    started=$SECONDS
    case "$stage" in
        check) make --no-print-directory check ;;
        # Nothing there waits for real time or shares anything but the processors.
        unit | contract) .venv/bin/pytest -n auto "tests/$stage" ;;
        *) .venv/bin/pytest "tests/$stage" ;;
    esac
    report+=$(printf '  %-10s %4d s' "$stage" $((SECONDS - started)))$'\n'
done
printf 'stages passed:\n%s' "$report"
