// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Pods that systemd starts, watches, stops and collects, on a host whose first process it is.
///
/// The host is an emulated machine: a pod in a virtual machine takes minutes there, so there is one of them.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requiresSystemdHost, .podLogs, .timeLimit(.minutes(30)))
struct ServiceUnitTests {
    /// Functions of the scripts below.
    private static let functions = #"""
        pods="$rkt --dir=/var/lib/rkt --insecure-options=image run --net=none"
        notify=--annotation=appc.io/executor/supports-systemd-notify=true
        # unit NAME ARGUMENT...: starts a unit, and waits until it is active, or has failed. --no-block does not wait.
        unit() {
            name=$1
            shift
            systemd-run -q --unit=$name -p Type=notify -p KillMode=mixed -p Delegate=yes -p TimeoutStartSec=600 \
                -p StandardOutput=file:/run/$name.output -p StandardError=file:/run/$name.errors "$@"
        }
        is() { systemctl show -p $1 --value $2; }
        seconds() { cut -d . -f 1 /proc/uptime; }
        # await SECONDS COMMAND...: the script ends when it takes longer, with what the pod has said.
        await() {
            end=$(($(seconds) + $1))
            shift
            while [ "$(seconds)" -lt $end ]; do
                ! "$@" >/dev/null 2>&1 || return 0
                sleep 0.2
            done
            echo "it did not come to this: $*"
            systemctl --no-pager status $name || true
            cat /run/$name.errors /run/$name.output || true
            exit 1
        }
        said() { grep -q "$1" /run/$name.output; }
        ended() { ! systemctl -q is-active $name && [ "$(is ActiveState $name)" != activating ] &&
            [ "$(is ActiveState $name)" != deactivating ]; }

        """#

    private func expect(_ facts: [String: String], of outcome: SystemdHost.Outcome) {
        #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.console.suffix(4000))")
        let found = Dictionary(
            outcome.lines.compactMap { line -> (String, String)? in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            }, uniquingKeysWith: { first, _ in first })
        for (name, value) in facts { #expect(found[name] == value, "\(name): \(outcome.output)") }
    }

    @Test func aMachineIsReadyWhenItsAppSaysSoAndMachinectlStopsIt() async throws {
        let script = Self.functions + Self.machine
        try await PodFixture.with(seeded: false) { fixture in
            let outcome = try await SystemdHost.run(script, in: fixture, memory: 3072, within: .seconds(1500))
            expect(
                [
                    "before": "activating starting", "after": "running probe", "leader": "supervisor", "shown": "1",
                    "end": "0 success", "cause": "\"completed\"", "last": "bye",
                ], of: outcome)
        }
    }

    @Test func unitsOfContainersAppsAndTenantsDoWhatTheManualSays() async throws {
        let script = Self.functions + Self.containers + Self.fly + Self.tenants + Self.collection
        try await PodFixture.with(seeded: false) { fixture in
            let outcome = try await SystemdHost.run(script, in: fixture, memory: 3072, within: .seconds(900))
            expect(
                [
                    "failed": "42 app busybox ended with 42", "waiting": "activating", "ready": "active running probe",
                    "restarted": "1", "stopped": "success", "fly": "active said by the app", "fly-end": "success",
                    "own": "of acme", "foreign": "", "host": "of beta", "slice": "rkt-acme.slice 1073741824",
                    "files": "refused", "pods": "tenant of acme", "tenants-end": "success 0", "left": "0 0",
                    "collected": "success",
                ], of: outcome)
        }
    }

    private static let machine = #"""
        mkdir -p /var/log/journal
        app='trap "echo bye; exit 0" TERM; echo up
            until [ -e /tmp/ready ]; do sleep 0.5; done; /bin/probe --notify READY=1; while :; do sleep 0.5; done'
        unit pod --no-block -p TimeoutStartSec=infinity -p TimeoutStopSec=infinity \
            --setenv=RKT_HYPERVISOR_BOOT_TIMEOUT=900 --setenv=RKT_HYPERVISOR_STOP_TIMEOUT=900 \
            $pods --stage1-path=$machines --uuid-file-save=/run/uuid $images/probe.aci --memory=64M $notify \
            --exec=/bin/sh -- -c "$app"
        await 900 said ': up'
        uuid=$(cat /run/uuid)
        journal="journalctl -q -m -o cat _MACHINE_ID=$(echo $uuid | tr -d -)"
        echo "before=$(systemctl is-active pod || true) $(is StatusText pod)"
        $rkt --dir=/var/lib/rkt enter $uuid /bin/touch /tmp/ready
        await 300 systemctl -q is-active pod
        echo "after=$(is StatusText pod)"
        await 60 sh -c "machinectl list --no-legend | grep -q '^rkt-$uuid *vm *rkt '"
        [ "$(machinectl show -p Leader --value rkt-$uuid)" = "$(is MainPID pod)" ] && echo "leader=supervisor"
        echo "shown=$($journal SYSLOG_IDENTIFIER=probe | grep -cx up)"
        machinectl poweroff rkt-$uuid
        await 900 ended
        # systemd forgets a unit of its own that has ended well, and keeps one that has failed.
        echo "end=$(is ExecMainStatus pod) $(is Result pod)"
        echo "last=$($journal SYSLOG_IDENTIFIER=probe | tail -n 1)"
        echo "cause=$($rkt --dir=/var/lib/rkt status --format=json $uuid | grep -o '"cause": *"[a-z-]*"' |
            head -n 1 | cut -d : -f 2 | tr -d ' ')"
        cat /run/pod.errors
        """#

    private static let containers = #"""
        unit fails $pods --stage1-path=$stage1 $images/busybox.aci --exec=/bin/sh -- -c 'exit 42' || true
        await 60 ended
        echo "failed=$(is ExecMainStatus fails) $(is StatusText fails)"

        # An app that is ready late, gives signs of life, and then hangs.
        app='echo up; until [ -e /tmp/ready ]; do sleep 0.2; done; /bin/probe --notify READY=1
            until [ -e /tmp/hang ]; do /bin/probe --notify WATCHDOG=1; sleep 0.5; done; exec sleep 1000'
        unit slow --no-block -p WatchdogSec=20 -p Restart=on-failure -p RestartSec=0 \
            $pods --stage1-path=$stage1 --uuid-file-save=/run/uuid $images/probe.aci $notify --exec=/bin/sh -- -c "$app"
        await 120 said ': up'
        echo "waiting=$(systemctl is-active slow || true)"
        $rkt --dir=/var/lib/rkt enter $(cat /run/uuid) /bin/touch /tmp/ready
        await 60 systemctl -q is-active slow
        echo "ready=$(systemctl is-active slow) $(is StatusText slow)"
        $rkt --dir=/var/lib/rkt enter $(cat /run/uuid) /bin/touch /tmp/hang
        await 180 sh -c '[ "$(systemctl show -p NRestarts --value slow)" -gt 0 ]'
        echo "restarted=$(is NRestarts slow)"
        systemctl stop slow
        echo "stopped=$(is Result slow)"

        """#

    private static let fly = #"""
        app='/bin/probe --notify "STATUS=said by the app"; /bin/probe --notify READY=1; exec sleep 1000'
        unit fly -p NotifyAccess=all $pods --stage1-path=$fly $images/probe.aci $notify --exec=/bin/sh -- -c "$app" ||
            cat /run/fly.errors
        echo "fly=$(systemctl is-active fly || true) $(is StatusText fly)"
        systemctl stop fly
        echo "fly-end=$(is Result fly)"

        """#

    /// Two tenants, as Documentation/systemd.md sets them up, but for what takes hardware virtualization.
    private static let tenants = #"""
        ln -s $rkt /usr/bin/rkt
        mkdir -p /etc/sysusers.d /etc/tmpfiles.d
        cp -r $units/rkt-tenant@.service $units/rkt-gc* $units/rkt-.slice.d /etc/systemd/system
        number=0
        for tenant in acme beta; do
            number=$((number + 1))
            example() { sed -e "s/acme/$tenant/g" -e "s/10\.88\.1\./10.88.$number./" $units/examples/tenant/$1; }
            example sysusers.conf >/etc/sysusers.d/rkt-$tenant.conf
            example tmpfiles.conf >/etc/tmpfiles.d/rkt-$tenant.conf
            mkdir -p /etc/rkt-tenants/$tenant/net.d /etc/systemd/system/rkt-$tenant.slice.d
            example network.conflist >/etc/rkt-tenants/$tenant/net.d/$tenant.conflist
            printf '[Slice]\nMemoryMax=1G\n' >/etc/systemd/system/rkt-$tenant.slice.d/50-tenant.conf
            app="mkdir /www; echo of $tenant >/www/index.html; exec httpd -f -p 80 -h /www"
            echo "RKT_ARGUMENTS=\"--insecure-options=image --stage1-path=$stage1 example.com/busybox" \
                "--exec=/bin/sh -- -c '$app'\"" >/etc/rkt-tenants/$tenant/tenant.env
        done
        systemd-sysusers /etc/sysusers.d/*.conf
        systemd-tmpfiles --create /etc/tmpfiles.d/*.conf
        systemctl daemon-reload
        for tenant in acme beta; do
            runuser -u rkt-$tenant -- /usr/bin/rkt --dir=/var/lib/rkt-tenants/$tenant \
                --local-config=/etc/rkt-tenants/$tenant --insecure-options=image fetch $images/busybox.aci
        done >/dev/null 2>&1
        name=rkt-tenant@acme
        systemctl start rkt-tenant@acme rkt-tenant@beta || journalctl --no-pager -b -u 'rkt-tenant@*'
        await 60 curl -fs -m 2 http://10.88.1.2/
        await 60 curl -fs -m 2 http://10.88.2.2/
        list() { runuser -u rkt-$1 -- /usr/bin/rkt --dir=/var/lib/rkt-tenants/$2 list --full --no-legend; }
        pod=$(list acme acme | cut -f 1)
        # wget of a static busybox needs what no image of it has.
        inside() {
            /usr/bin/rkt --dir=/var/lib/rkt-tenants/acme enter $pod /bin/sh -c \
                "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 5 $1 80 | tail -n 1" 2>/dev/null
        }
        echo "own=$(inside 10.88.1.2)"
        echo "foreign=$(inside 10.88.2.2 || true)"
        echo "host=$(curl -fs -m 2 http://10.88.2.2/)"
        echo "slice=$(is Slice rkt-tenant@acme) $(is MemoryMax rkt-acme.slice)"
        beta=$(ls /var/lib/rkt-tenants/beta/pods/run)
        if runuser -u rkt-acme -- cat /var/lib/rkt-tenants/beta/pods/run/$beta/pod >/dev/null 2>&1 ||
            list acme beta >/dev/null 2>&1; then echo "files=read"; else echo "files=refused"; fi
        list acme acme | grep -q running &&
            echo "pods=$(is Description rkt-tenant@acme | sed 's/.*Pod \(.*\) of the tenant/\1 of/')"
        systemctl stop rkt-tenant@acme rkt-tenant@beta
        echo "tenants-end=$(is Result rkt-tenant@acme) $(is ExecMainStatus rkt-tenant@beta)"

        """#

    /// The timer, two days later.
    private static let collection = #"""
        $rkt --dir=/var/lib/rkt gc --mark-only >/dev/null 2>&1
        # What has been missed is not done at once, but within the delay from the start of the host.
        mkdir -p /etc/systemd/system/rkt-gc.timer.d
        printf '[Timer]\nRandomizedDelaySec=0\n' >/etc/systemd/system/rkt-gc.timer.d/now.conf
        systemctl daemon-reload
        systemctl start rkt-gc.timer
        date -s '+2 days' >/dev/null
        name=rkt-gc
        left() { find /var/lib/rkt/pods -mindepth 2 -maxdepth 2 | wc -l; }
        kept() { $rkt --dir=/var/lib/rkt image list --no-legend | grep -c . || true; }
        await 120 sh -c '[ -z "$(find /var/lib/rkt/pods -mindepth 2 -maxdepth 2)" ]'
        await 60 ended
        echo "left=$(left) $(kept)"
        echo "collected=$(is Result rkt-gc)"
        """#
}
