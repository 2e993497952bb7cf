#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Runs tests that `swift build -c release --build-tests` has built, and counts them.
#
# usage: run.sh unit|integration...
#
# The whole output of each part is kept in $BUILD/tests/PART.log. What is printed is what failed, what was skipped and
# why, and what tests that crashed said last. The last line is `N passed, N failed, N skipped`.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
readonly build=$(realpath -m "${BUILD:-build}")
readonly results=$build/tests
export RKT_BUILD=$build

passed=0 failed=0 skipped=0 status=0

# attribute NAME FILE: zero in the empty report of tests that crashed.
attribute() {
    local value
    value=$(sed -n "s/.*<testsuite .* $1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1)
    echo "${value:-0}"
}

# complaints: of standard input, the failures with their details, what was skipped, and the closing line.
complaints() {
    awk '
        /^✘/ { rest = 20 }
        /^(◇|✔|➜)/ || /: warning: / { rest = 0 }
        rest-- > 0 || /^➜/ || /^(✔|✘) Test run with/ { print; fflush() }'
}

# crash LOG: what the tests said last, and the stack of the thread that crashed.
crash() {
    sed '/^\*\*\* /,$d' "$1" | grep -v -e '^◇' -e '^✔' -e 'failed to suspend' -e ': warning: ' | tail -n 15 | cut -c 1-300
    sed -n -e '/^\*\*\* Program crashed/p' -e '/^Thread .* crashed:$/,/^\.\.\.$/p' "$1" | cut -c 1-200 | head -n 30
}

run() {
    local part=$1 report=$results/$1-swift-testing.xml
    shift
    rm -f "$report"
    echo "== $part tests"
    timeout --foreground -k 30 "${RKT_TEST_TIMEOUT:-3600}" \
        swift test -c release --skip-build --disable-xctest --xunit-output "$results/$part.xml" "$@" 2>&1 </dev/null |
        tee "$results/$part.log" | complaints
    local ended=${PIPESTATUS[0]}
    # One file for Swift Testing, whose name has changed between releases.
    [ -f "$report" ] || report=$results/$part.xml
    local ran=0 broken=0
    if [ -f "$report" ]; then
        ran=$(attribute tests "$report") broken=$(attribute failures "$report")
        skipped=$((skipped + $(attribute skipped "$report")))
    fi
    if [ "$ended" -ne 0 ] && [ "$broken" -eq 0 ]; then
        echo "$part tests: ended with status $ended before all of them had run, see $results/$part.log"
        crash "$results/$part.log"
        broken=1
    elif [ "$ran" -eq 0 ]; then
        echo "$part tests: none have run"
        broken=1
    fi
    [ "$broken" -eq 0 ] || status=1
    failed=$((failed + broken))
    passed=$((passed + (ran > broken ? ran - broken : 0)))
}

[ $# -gt 0 ] || { echo "usage: ${0##*/} unit|integration..." >&2; exit 2; }
mkdir -p "$results"
rm -f "$results"/*.xml
for part; do
    case $part in
    # A few at a time: the limit of a test is for its own work, not for its turn among all others.
    unit) SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=8 run unit --skip IntegrationTests ;;
    # Two pods at a time, as each has a virtual machine; then those one by one whose times are measured.
    integration)
        rm -rf "$results/failed"
        SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${RKT_TEST_WIDTH:-2} \
            run integration --filter IntegrationTests --skip SerialTests
        run serial --filter 'IntegrationTests.*SerialTests' --no-parallel
        ;;
    *) echo "${0##*/}: there are no '$part' tests" >&2; exit 2 ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
