#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Writes Documentation/backends.md: what is documented (Tests/features.list), and with which backends it works, by what these say of
# themselves (Tests/BackendsTests/Golden/capabilities.txt) and by the results of `Tests/run.sh unit integration nspawn fly libvirt`.
#
# usage: backends.sh [--check]
#
# With --check nothing is written; it is an error if backends.md is there and is not what would be written. It is an error either
# way if tests of a feature have failed, were skipped, or have not run.

set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
readonly results=$(realpath -m "${BUILD:-build}")/tests document=Documentation/backends.md
readonly features=Tests/features.list capabilities=Tests/BackendsTests/Golden/capabilities.txt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# outcomes BACKEND PART: `BACKEND SUITE/FUNCTION OUTCOME REASON` for each test of a part of the tests.
outcomes() {
    local report=$results/$2-swift-testing.xml
    [ -f "$report" ] || report=$results/$2.xml
    [ -f "$report" ] || { echo "backends: there are no results of the $2 tests; run 'make check'" >&2; exit 1; }
    awk -v backend="$1" '
        function report() { if (name != "") print backend "\t" name "\t" outcome "\t" reason; name = "" }
        /<testcase / {
            report()
            suite = $0; sub(/^.*classname="/, "", suite); sub(/".*/, "", suite); sub(/^.*[.]/, "", suite)
            name = $0; sub(/^.* name="/, "", name); sub(/[("].*/, "", name)
            name = suite "/" name; outcome = "passed"; reason = ""
        }
        /<failure/ { outcome = "failed" }
        /<skipped/ {
            outcome = "skipped"
            if (match($0, /not applicable: [^<]*/)) {
                outcome = "inapplicable"; reason = substr($0, RSTART + 16, RLENGTH - 16)
            }
        }
        END { report() }' "$report"
}

{
    outcomes qemu integration
    outcomes qemu serial
    outcomes nspawn nspawn
    outcomes fly fly
    outcomes libvirt libvirt
    outcomes lkvm unit
} >"$work/outcomes"

awk -F ' *[|] *' -v outcomes="$work/outcomes" -v capabilities="$capabilities" '
    function complain(text) { print "backends: " text | "cat >&2"; status = 1 }
    function fail(text) { complain(text); failed = 1 }

    # The number of a reason, new ones at the end.
    function note(reason) {
        if (!(reason in numbers)) { numbers[reason] = ++notes; reasons[notes] = reason }
        return " (" numbers[reason] ")"
    }

    # What a feature is with a backend, by the feature that it needs and by its tests.
    function cell(backend, needs, tests,    absent, count, names, i, test, own, passed, reason, other, missing) {
        absent = sub(/^!/, "", needs)
        if (needs != "-" && !(needs in titles)) fail("\"" needs "\" in Tests/features.list is no capability")
        if (needs != "-" && ((backend, needs) in able) == absent)
            other = absent ? "this backend has: " titles[needs] : "this backend lacks: " titles[needs]
        if (backend == "lkvm") return other != "" ? "no" note(other) : "by plan"
        count = split(tests, names, " ")
        for (i = 1; i <= count; i++) {
            test = names[i]
            own = sub(/^[+]/, "", test) || backend != "libvirt"
            if (match(test, /^[a-z]+:/)) {
                own = substr(test, 1, RLENGTH - 1) == backend
                test = substr(test, RLENGTH + 1)
            }
            if (!own) continue
            if (!((backend, test) in result)) { fail(test " has not run with " backend); continue }
            if (result[backend, test] == "passed") passed++
            else if (result[backend, test] == "inapplicable") { missing++; reason = why[backend, test] }
            else fail(test " was " result[backend, test] " with " backend)
        }
        if (passed && other != "") fail(backend ": \"" title "\" works, but " other)
        if (other != "") return "no" note(missing ? reason : other)
        if (passed) return missing ? "in part" note(reason) : "yes"
        return missing ? "no" note(reason) : "not tested"
    }

    BEGIN {
        while ((getline line <outcomes) > 0) {
            split(line, part, "\t")
            if (part[1] == "lkvm" && part[2] !~ /^LKVMPlanTests\//) continue
            # A function with several arguments is one test; of two of one name, the worse counts.
            if (result[part[1], part[2]] != "failed") result[part[1], part[2]] = part[3]
            why[part[1], part[2]] = part[4]
            if (part[1] == "lkvm" && part[3] != "passed") fail(part[2] " was " part[3])
            if (part[1] == "lkvm") plans++
        }
        if (!plans) fail("no test of the plans of lkvm has run")
        while ((getline line <capabilities) > 0) {
            if (line ~ /^[a-z]+:/) {
                backend = line; sub(/:.*/, "", backend); columns[++width] = backend
                count = split(substr(line, length(backend) + 2), names, " ")
                for (i = 1; i <= count; i++) able[backend, names[i]] = 1
            } else if (match(line, /^[a-zA-Z]+ = /)) {
                name = substr(line, 1, RLENGTH - 3); titles[name] = substr(line, RLENGTH + 1)
                order[++known] = name
            }
        }
        if (!width || !known) fail(capabilities " cannot be read")
        head = "|"; rule = "|---|"
        for (i = 1; i <= width; i++) { head = head " " columns[i] " |"; rule = rule "---|" }
        print "## What backends say of themselves\n\n| capability " head "\n" rule
        for (i = 1; i <= known; i++) {
            row = "| " titles[order[i]] " |"
            for (j = 1; j <= width; j++) row = row (((columns[j], order[i]) in able) ? " yes |" : " no |")
            print row
        }
    }
    /^# [A-Z]/ && started { table = substr($0, 3); next }
    /^# FEATURE/ { started = 1; getline; next }
    /^#/ || !NF { next }
    NF != 4 { fail("Tests/features.list: \"" $0 "\" has " NF " fields, not 4"); next }
    {
        if (table != "") { print "\n## " table "\n\n| feature " head "\n" rule; table = "" }
        title = $1
        row = "| [" $1 "](" $2 ") |"
        for (i = 1; i <= width; i++) row = row " " cell(columns[i], $3, $4) " |"
        print row
    }
    END {
        if (notes) print "\n## Reasons\n"
        for (i = 1; i <= notes; i++) print i ". " reasons[i]
        exit failed
    }' "$features" >"$work/tables" || exit 1

cat - "$work/tables" >"$work/new" <<'END'
<!-- Copyright the rkt-swift authors -->
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by `make backends` from Tests/features.list and the results of `make check`; change those. -->

# Backends

What runs pods is a backend: `qemu`, `lkvm` and `libvirt` for virtual machines, `nspawn` for [containers](containers.md) and `fly` for
[apps without one](containers.md#apps-without-a-container). How one is chosen is told in [configuration](configuration.md).

These tables are made from what the backends say of themselves and from tests that run pods. **yes**: the feature's tests pass
with the backend. **in part**: some of them pass, and the others are not applicable. **no**: not applicable, for the reason of that number.
**by plan**: the backend cannot run on the machine of the tests; what it would be told to do is compared with a text.
**not tested**: no test is for this backend. All machines are emulated there, and what QEMU is told to do for hardware
virtualization is compared with texts, too. With libvirt the machines are those of QEMU, and a part of the tests is run.

END
if [ "${1:-}" != --check ]; then
    cmp -s "$work/new" "$document" || cp "$work/new" "$document"
    chmod 0644 "$document"
elif [ ! -e "$document" ]; then
    echo "backends: there is no $document yet; run 'make backends'"
elif ! cmp -s "$work/new" "$document"; then
    diff -u "$document" "$work/new" >&2 || true
    echo "backends: $document is not what the tests say; run 'make backends'" >&2
    exit 1
else
    echo "backends: $document is what the tests say"
fi
