// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Containers on a host whose first process is systemd, with control groups of version 2 and systemd-machined.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requiresSystemdHost, .podLogs, .timeLimit(.minutes(10)))
struct SystemdHostTests {
    /// Starts a pod as the main process of pod.service and waits until it is ready.
    ///
    /// - Parameter properties: of the unit, as arguments of systemd-run(1).
    private func start(_ properties: String) -> String {
        """
        start() {
            rm -f /run/uuid
            systemd-run -q --unit=pod --collect \(properties) -p KillMode=mixed -p StandardError=file:/run/errors \\
                -p StandardOutput=file:/run/output -p ExecStopPost='/bin/sh -c "echo $EXIT_CODE $EXIT_STATUS >/run/end"' \\
                $rkt --dir=/var/lib/rkt --insecure-options=image run --net=none --stage1-path=$stage1 \\
                --uuid-file-save=/run/uuid $images/busybox.aci --memory=64Mi --exec=/bin/sh -- -c "$1"
            until [ -s /run/uuid ]; do systemctl is-active -q pod || { cat /run/errors; exit 1; }; sleep 0.1; done
            uuid=$(cat /run/uuid)
            $rkt --dir=/var/lib/rkt status --wait-ready=4m $uuid >/dev/null || { cat /run/errors; exit 1; }
        }
        listed() {
            for try in $(seq 600); do
                machinectl list --no-legend | grep -q "^rkt-$uuid *container *rkt " && return
                sleep 0.1
            done
            return 1
        }
        limited() { find /sys/fs/cgroup/system.slice/$1 -name memory.max | xargs grep -l '^67108864$' | wc -l; }

        """
    }

    private static let app = #"trap \"echo bye; exit 0\" TERM; echo up; while :; do sleep 1; done"#

    private func expect(_ facts: [String: String], of outcome: SystemdHost.Outcome) {
        #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.console.suffix(4000))")
        let found = Dictionary(
            outcome.lines.compactMap { line -> (String, String)? in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            }, uniquingKeysWith: { first, _ in first })
        for (name, value) in facts { #expect(found[name] == value, "\(name): \(outcome.output)") }
    }

    @Test func limitsHoldInADelegatedUnitAndMachinedListsThePod() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let script =
                start("-p Delegate=yes") + """
                    start "\(Self.app)"
                    main=$(systemctl show -p MainPID --value pod)
                    echo "group=$(sed -n "s/^0:://p" /proc/$main/cgroup | sed "s/$uuid/UUID/")"
                    echo "limited=$(limited pod.service)"
                    echo "warnings=$(grep -c 'is not enforced' /run/errors || true)"
                    listed
                    echo "unit=$(machinectl show -p Unit --value rkt-$uuid)"
                    leader=$(machinectl show -p Leader --value rkt-$uuid)
                    echo "leader=$(sed -n 's/^NSpid:.*\\t//p' /proc/$leader/status)"
                    systemctl stop pod
                    echo "end=$(cat /run/end)"
                    echo "said=$(sed 's/.*: //' /run/output | tr '\\n' ' ')"
                    echo "still=$(machinectl list --no-legend | grep -c rkt- || true)"
                    echo "groups=$(find /sys/fs/cgroup -name '*rkt-*' | wc -l)"
                    $rkt --dir=/var/lib/rkt gc --grace-period=0s >/dev/null 2>&1
                    echo "pods=$(find /var/lib/rkt/pods -name $uuid | wc -l)"
                    """
            let outcome = try await SystemdHost.run(script, in: fixture)
            expect(
                [
                    "group": "/system.slice/pod.service/rkt-UUID/supervisor", "limited": "1", "warnings": "0",
                    "unit": "pod.service", "leader": "1", "end": "exited 0", "said": "up bye ",
                    "still": "0", "groups": "0", "pods": "0",
                ], of: outcome)
        }
    }

    @Test func aUnitThatIsNotDelegatedIsLeftAsItIs() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let script =
                start("") + """
                    start "\(Self.app)"
                    main=$(systemctl show -p MainPID --value pod)
                    echo "group=$(sed -n "s/^0:://p" /proc/$main/cgroup)"
                    echo "limited=$(limited pod.service)"
                    echo "warned=$(grep 'is not enforced' /run/errors | grep -c 'systemd-run --scope -p Delegate=yes')"
                    # A killed supervisor takes the container with it, and gc what machined lists.
                    systemctl kill -s KILL --kill-whom=main pod
                    until systemctl show -p ActiveState --value pod | grep -qx -e inactive -e failed; do sleep 0.1; done
                    $rkt --dir=/var/lib/rkt gc --grace-period=0s >/dev/null 2>&1
                    echo "pods=$(find /var/lib/rkt/pods -name $uuid | wc -l)"
                    echo "still=$(machinectl list --no-legend | grep -c rkt- || true)"
                    # What the warning proposes. The plan of such a pod tells the same.
                    options="--dir=/var/lib/rkt --insecure-options=image run --net=none --stage1-path=$stage1"
                    app="$images/busybox.aci --memory=64Mi --exec=/bin/sh"
                    systemd-run -q --scope -p Delegate=yes $rkt $options --dry-run $app >/run/plan 2>/run/errors
                    echo "planned=$(cat /run/plan /run/errors | grep -c 'does not pass' || true)"
                    status=0
                    systemd-run -q --scope -p Delegate=yes $rkt $options $app -- -c 'exit 42' \\
                        >/dev/null 2>/run/errors || status=$?
                    echo "scope=$status $(grep -c 'is not enforced' /run/errors || true)"
                    """
            let outcome = try await SystemdHost.run(script, in: fixture)
            expect(
                [
                    "group": "/system.slice/pod.service", "limited": "0", "warned": "1", "pods": "0", "still": "0",
                    "planned": "0", "scope": "42 0",
                ], of: outcome)
        }
    }
}
