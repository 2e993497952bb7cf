#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Runs tests that `swift build -c release --build-tests` has built, and counts them.
#
# usage: run.sh unit|integration|nspawn|fly|libvirt...
#
# `integration` is all integration tests, with QEMU. The parts named after other backends are those of Tests/features.list,
# with that backend.
#
# The whole output of each part is kept in $BUILD/tests/PART.log, and its results in PART*.xml. What is printed is what failed,
# what was skipped and why, what tests that crashed said last, and a line for each part:
# `PART tests: N passed, N failed, N skipped, N not applicable`. Not applicable are tests of what the stage1 image says its
# pods lack. The last line is `N passed, N failed, N skipped`, of all parts.

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
        /^➜.*: "not applicable: / { next }
        rest-- > 0 || /^➜/ || /^(✔|✘) Test run with/ { print; fflush() }'
}

# crash LOG: what the tests said last, and the stack of the thread that crashed.
crash() {
    sed '/^\*\*\* /,$d' "$1" | grep -v -e '^◇' -e '^✔' -e 'failed to suspend' -e ': warning: ' | tail -n 15 | cut -c 1-300
    sed -n -e '/^\*\*\* Program crashed/p' -e '/^Thread .* crashed:$/,/^\.\.\.$/p' "$1" | cut -c 1-200 | head -n 30
}

# selection BACKEND: the tests of Tests/features.list for a backend, as a regular expression.
selection() {
    awk -F ' *[|] *' -v backend="$1" '
        /^#/ || NF < 4 { next }
        {
            count = split($4, tests, " ")
            for (i = 1; i <= count; i++) {
                test = tests[i]
                chosen = sub(/^[+]/, "", test) || backend != "libvirt"
                if (match(test, /^[a-z]+:/)) {
                    chosen = substr(test, 1, RLENGTH - 1) == backend
                    test = substr(test, RLENGTH + 1)
                }
                if (!chosen || test in seen) continue
                seen[test] = 1
                pattern = pattern (pattern == "" ? "" : "|") test (test ~ "/" ? "\\(" : "/")
            }
        }
        END { print "IntegrationTests\\.(" pattern ")" }' Tests/features.list
}

# What a part is run beside; nothing for most.
server=()

run() {
    local part=$1 report=$results/$1-swift-testing.xml
    shift
    rm -f "$report"
    echo "== $part tests"
    "${server[@]}" timeout --foreground -k 30 "${RKT_TEST_TIMEOUT:-3600}" \
        swift test -c release --skip-build ${SWIFT_TRAITS:-} --disable-xctest \
        --xunit-output "$results/$part.xml" "$@" 2>&1 </dev/null |
        tee "$results/$part.log" | complaints
    local ended=${PIPESTATUS[0]}
    # One file for Swift Testing, whose name has changed between releases.
    [ -f "$report" ] || report=$results/$part.xml
    local ran=0 broken=0 omitted=0 inapplicable=0
    if [ -f "$report" ]; then
        ran=$(attribute tests "$report") broken=$(attribute failures "$report")
        inapplicable=$(grep -c '<skipped>not applicable: ' "$report")
        omitted=$(($(attribute skipped "$report") - inapplicable))
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
    local good=$((ran > broken ? ran - broken : 0))
    failed=$((failed + broken))
    skipped=$((skipped + omitted))
    passed=$((passed + good))
    echo "$part tests: $good passed, $broken failed, $omitted skipped, $inapplicable not applicable"
}

[ $# -gt 0 ] || { echo "usage: ${0##*/} unit|integration|nspawn|fly|libvirt..." >&2; exit 2; }
mkdir -p "$results"
[ "$*" = unit ] || rm -rf "$results/failed"
rm -f "$results"/*.xml
unset RKT_TEST_BACKEND
for part; do
    case $part in
    # A few at a time: the limit of a test is for its own work, not for its turn among all others.
    unit) SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=8 run unit --skip IntegrationTests ;;
    # Two pods at a time, as each has a virtual machine; then those one by one whose times are measured.
    integration)
        SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${RKT_TEST_WIDTH:-2} \
            run integration --filter IntegrationTests --skip SerialTests
        run serial --filter 'IntegrationTests.*SerialTests' --no-parallel
        ;;
    # A few tests for each thing that is documented. Two machines at a time, or as many containers.
    nspawn | fly | libvirt)
        if [ "$part" = libvirt ]; then server=(Tests/servers/libvirtd.sh); fi
        RKT_TEST_BACKEND=$part SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${RKT_TEST_WIDTH:-2} \
            run "$part" --filter "$(selection "$part")"
        server=()
        ;;
    *) echo "${0##*/}: there are no '$part' tests" >&2; exit 2 ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
