// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

/// Pods without machines on networks of the distribution's plugins.
@Suite(.requiresRoot, .requiresNetworkPlugins, .timeLimit(.minutes(5)))
struct PodNetworksTests {
    @Test func theDefaultNetworkGivesAnAddressAndAWayOut() {
        let failures = OwnNetwork.run { host in
            let pod = try PodOfTest(in: host.scratch.path)
            guard let attached = try pod.networks.setUp(for: .virtualMachine) else { throw Errno.invalidArgument }
            host.expect(attached.namespace, pod.namespace)
            host.expect(attached.networks.map(\.name), ["default"])
            host.expect(attached.networks[0].link, .namespace)
            host.expect(try host.addresses("eth0", namespace: pod.namespace), ["172.16.28.2/24"])
            let link = try host.ipJSON("link", "show", "dev", "eth0", namespace: pod.namespace).first
            host.expect(attached.networks[0].hardwareAddress, link?["address"]?.string)
            let routes = try host.ipJSON("route", namespace: pod.namespace)
            let way = routes.first { $0["dst"]?.string == "default" }
            host.expect(way?["gateway"]?.string, "172.16.28.1")
            let loopback = try host.ipJSON("link", "show", "dev", "lo", namespace: pod.namespace).first
            host.expect(loopback?["flags"]?.array?.contains("UP") == true, "lo is down")
            host.expect(try host.run("iptables-save", ["-t", "nat"]).contains("MASQUERADE"), "no masquerading")
            host.expect(try FileSystem.readText(pod.directory.appending("netns")), "\(pod.namespace)\n")
            let info = try pod.info()
            host.expect(
                info.encoded(),
                #"[{"netName":"default","netConf":"","pluginPath":"/usr/lib/cni/ptp","ifName":"eth0","#
                    + #""ip":"172.16.28.2","args":"","mask":"255.255.255.0"}]"#)
            try pod.networks.check()
            try leaveTwice(pod, host)
        }
        #expect(failures == [])
    }

    @Test func whatOneProcessHasSetUpAnotherTakesOver() {
        let failures = OwnNetwork.run { host in
            let pod = try PodOfTest(in: host.scratch.path, "default:IP=172.16.28.9")
            host.expect(try pod.networks.resume(for: .virtualMachine) == nil, "there is nothing yet")
            guard let first = try pod.networks.setUp(for: .virtualMachine),
                let second = try pod.networks.resume(for: .virtualMachine)
            else { throw Errno.invalidArgument }
            host.expect(second.namespace, first.namespace)
            host.expect(second.networks.map(\.result), first.networks.map(\.result))
            host.expect(second.networks.map(\.interface), ["eth0"])
            host.expect(second.networks.map(\.link), [.namespace])
            host.expect(second.networks.map(\.arguments), ["IP=172.16.28.9"])
            try leaveTwice(pod, host)

            // What was set up in part is of no use, and is undone.
            let other = try PodOfTest(in: host.scratch.path)
            _ = try other.networks.setUp(for: .virtualMachine)
            try FileSystem.remove(other.directory.appending("net-info.json"))
            do {
                _ = try other.networks.resume(for: .virtualMachine)
                host.expect(false, "half of it was taken over")
            } catch let error as RuntimeError {
                host.expect(error.code == .invalidState, error.message)
            }
            host.expect(other.hasJournal, false)
            try settle(host)
            host.expect(try host.traces(), [])
        }
        #expect(failures == [])
    }

    /// There is nothing to try again: what has not been made cannot be removed.
    @Test func aPluginThatCanDoNeitherLeavesNoJournal() {
        let failures = OwnNetwork.run { host in
            let scripts = try ScriptedPlugins()
            try scripts.install("ptp", "echo no luck >&2; exit 1")
            let pod = try PodOfTest(in: host.scratch.path, plugins: scripts.plugins)
            do {
                _ = try pod.networks.setUp(for: .container)
                host.expect(false, "it has joined")
            } catch let error as RuntimeError {
                host.expect(
                    error.message.hasPrefix("ADD of plugin \"ptp\" of network \"default\" failed"), error.message)
            }
            host.expect(scripts.runs, ["ptp ADD", "ptp DEL"])
            host.expect(pod.hasJournal, false)
            // One that was killed may have made something.
            try scripts.install("ptp", "[ $CNI_COMMAND = ADD ] && kill -9 $$; exit 1")
            let killed = try PodOfTest(in: host.scratch.path, plugins: scripts.plugins)
            do {
                _ = try killed.networks.setUp(for: .container)
                host.expect(false, "it has joined")
            } catch let error as CleanupError {
                host.expect("\(error.primary)".contains("signal 9"), "\(error)")
            }
            host.expect(killed.hasJournal, true)
            try scripts.install("ptp", "exit 0")
            host.expect(killed.networks.tearDown().isComplete, "not even now")
        }
        #expect(failures == [])
    }

    private static let bridge = """
        { "cniVersion": "VERSION", "name": "nat", "type": "bridge", "bridge": "br-test", "ipMasq": true, "isGateway": true,
          "ipam": { "type": "host-local", "ranges": [[{"subnet": "10.2.0.0/24"}], [{"subnet": "fd00:2::/64"}]],
                    "routes": [ { "dst": "0.0.0.0/0" }, { "dst": "::/0" } ] } }
        """

    @Test(arguments: ["0.3.1", "1.0.0"])
    func networksAreJoinedInOrderWithTheirArguments(version: String) {
        let failures = OwnNetwork.run { host in
            let pod = try PodOfTest(
                in: host.scratch.path, "default-restricted:IP=172.31.0.77,nat:IP=10.2.0.9",
                configurations: [("10-nat.conf", Self.bridge.replacing("VERSION", with: version))])
            guard let attached = try pod.networks.setUp(for: .container) else { throw Errno.invalidArgument }
            host.expect(attached.networks.map(\.name), ["nat", "default-restricted"])
            host.expect(attached.networks.map(\.interface), ["eth0", "eth1"])
            host.expect(try host.addresses("eth0", namespace: pod.namespace), ["10.2.0.9/24", "fd00:2::2/64"])
            host.expect(try host.addresses("eth1", namespace: pod.namespace), ["172.31.0.77/16"])
            host.expect(
                attached.networks[0].result.addresses.map(\.address.description), ["10.2.0.9/24", "fd00:2::2/64"])
            host.expect(try pod.info().array?.map { $0["args"]?.string ?? "" }, ["IP=10.2.0.9", "IP=172.31.0.77"])
            try leaveTwice(pod, host)
        }
        #expect(failures == [])
    }

    @Test func aNetworkThatFailsTakesTheOthersBack() {
        let failures = OwnNetwork.run { host in
            let first = try PodOfTest(in: host.scratch.path)
            _ = try first.networks.setUp(for: .container)
            let second = try PodOfTest(
                in: host.scratch.path, "default:IP=172.16.28.2,nat",
                configurations: [("10-nat.conf", Self.bridge.replacing("VERSION", with: "0.4.0"))])
            do {
                _ = try second.networks.setUp(for: .container)
                host.expect(false, "the address was given twice")
            } catch let error as RuntimeError {
                host.expect(
                    error.message.hasPrefix(
                        "requested IP address \"172.16.28.2\" is not available in network: default"), error.message)
            }
            host.expect(second.hasJournal, false)
            host.expect(FileSystem.exists(second.namespace), false)
            host.expect(try host.addresses("eth0", namespace: first.namespace), ["172.16.28.2/24"])
            try leaveTwice(first, host)
        }
        #expect(failures == [])
    }

    @Test func afterARebootOnlyLeasesAreLeftAndTheyGo() {
        let failures = OwnNetwork.run { host in
            let pod = try PodOfTest(in: host.scratch.path)
            _ = try pod.networks.setUp(for: .container)
            // What a reboot does: namespaces are gone and with them their interfaces.
            try Mount.unmount(pod.namespace, detach: true)
            try FileSystem.remove(pod.namespace)
            let report = pod.networks.tearDown()
            host.expect(report.isComplete, "\(report.failures)")
            host.expect(report.notices.contains { $0.contains("namespace") }, "\(report.notices)")
            // The rules, too, although the plugin cannot know which they are.
            try settle(host)
            host.expect(try host.traces(), [])
            host.expect(pod.hasJournal, false)
        }
        #expect(failures == [])
    }

    @Test func withoutItsPluginsAPodIsStillRemoved() {
        let failures = OwnNetwork.run { host in
            let plugins = host.scratch.appending("plugins")
            try FileSystem.makeDirectory(plugins)
            for name in ["ptp", "host-local"] {
                try FileSystem.makeSymbolicLink(to: "/usr/lib/cni/\(name)", at: plugins.appending(name))
            }
            let pod = try PodOfTest(in: host.scratch.path, plugins: plugins)
            _ = try pod.networks.setUp(for: .container)
            try FileSystem.removeTree(plugins)
            let report = pod.networks.tearDown()
            host.expect(report.isComplete, "\(report.failures)")
            host.expect(report.warnings.count, 1)
            host.expect(report.warnings.first?.contains("plugin \"ptp\" of network \"default\"") == true, "\(report)")
            host.expect(report.notices.contains { $0.contains("address 172.16.28.2") }, "\(report.notices)")
            try settle(host)
            host.expect(try host.traces(), [])
        }
        #expect(failures == [])
    }

    /// A crash right behind each line of the journal: what was noted may have been done in part, or not at all.
    @Test func aPodIsTakenAwayWhereverItsSetUpWasCutShort() {
        let failures = OwnNetwork.run { host in
            let whole = try PodOfTest(in: host.scratch.path)
            _ = try whole.networks.setUp(for: .container)
            let lines = try FileSystem.readText(whole.directory.appending("network-journal")).split(separator: "\n")
            host.expect(lines.count, 3)
            for count in 0...lines.count {
                // The line behind is half written.
                let text =
                    lines[..<count].map { $0 + "\n" }.joined() + (count < lines.count ? lines[count].prefix(9) : "")
                let pod = try PodOfTest(in: host.scratch.path)
                try FileSystem.write(
                    text.replacing("\(whole.uuid)", with: "\(pod.uuid)").utf8,
                    to: pod.directory.appending("network-journal"))
                let report = pod.networks.tearDown()
                host.expect(report.isComplete, "\(report.failures)")
                host.expect(pod.hasJournal, false)
            }
            host.expect(try host.addresses("eth0", namespace: whole.namespace), ["172.16.28.2/24"])
            try leaveTwice(whole, host)
        }
        #expect(failures == [])
    }

    @Test func whatFailsIsTriedAgain() {
        let failures = OwnNetwork.run { host in
            let scripts = try ScriptedPlugins()
            try scripts.install("ptp", "[ $CNI_COMMAND = ADD ] && echo '{}' && exit; echo no luck >&2; exit 1")
            let pod = try PodOfTest(in: host.scratch.path, plugins: scripts.plugins)
            _ = try pod.networks.setUp(for: .container)
            let report = pod.networks.tearDown()
            host.expect(
                report.failures.map(\.message),
                [
                    "DEL of plugin \"ptp\" of network \"default\" failed: it ended with exit status 1: no luck"
                ])
            host.expect(pod.hasJournal, true)
            try scripts.install("ptp", "exit 0")
            host.expect(pod.networks.tearDown().isComplete, "not even now")
            host.expect(pod.hasJournal, false)
            host.expect(scripts.runs, ["ptp ADD", "ptp DEL", "ptp DEL"])
        }
        #expect(failures == [])
    }

    @Test func aMacvlanOfAMachineIsAnAddressAndAParent() {
        let failures = OwnNetwork.run { host in
            _ = try host.ip("link", "add", "br-road", "type", "bridge")
            let pod = try PodOfTest(
                in: host.scratch.path, "lan",
                configurations: [
                    (
                        "10-lan.conf",
                        """
                        {"name":"lan","type":"macvlan","master":"br-road","mode":"vepa","mtu":1400,
                         "ipam":{"type":"host-local","subnet":"10.3.0.0/24"}}
                        """
                    )
                ])
            guard let attached = try pod.networks.setUp(for: .virtualMachine) else { throw Errno.invalidArgument }
            host.expect(attached.networks[0].link, .macvtap(parent: "br-road", mode: "vepa", mtu: 1400))
            host.expect(attached.networks[0].address?.description, "10.3.0.2/24")
            // The machine's interface, which keeps the parent for it.
            let links = try host.ipJSON("-d", "link", namespace: pod.namespace)
            host.expect(links.compactMap { $0["ifname"]?.string }, ["lo", "eth0"])
            host.expect(links.last?["linkinfo"]?["info_kind"]?.string, "macvtap")
            host.expect(try host.addresses("eth0", namespace: pod.namespace), [])
            try leaveTwice(pod, host)
        }
        #expect(failures == [])
    }

    /// Programs that a network's plugin has left on purpose are not those of one that was refused.
    @Test func aRefusedNetworkEndsItsOwnProgramsOnly() {
        let failures = OwnNetwork.run { host in
            let scripts = try ScriptedPlugins()
            let child = "sleep 600 >/dev/null 2>&1 & echo $! >\(scripts.scratch.path)/$CNI_IFNAME"
            try scripts.install("one", "[ $CNI_COMMAND = ADD ] || exit 0; \(child); echo '{}'")
            try scripts.install("two", "[ $CNI_COMMAND = ADD ] || exit 0; \(child); exit 1")
            let pod = try PodOfTest(
                in: host.scratch.path, "a,b",
                configurations: [
                    ("10-a.conf", #"{"name":"a","type":"one"}"#), ("20-b.conf", #"{"name":"b","type":"two"}"#),
                ], plugins: scripts.plugins)
            do {
                _ = try pod.networks.setUp(for: .container)
                host.expect(false, "it has joined")
            } catch let error as RuntimeError {
                host.expect(error.message.hasPrefix("ADD of plugin \"two\""), error.message)
            }
            host.expect(scripts.runs, ["one ADD", "two ADD", "two DEL", "one DEL"])
            let children = try ["eth0", "eth1"].map {
                Int32(try FileSystem.readText(scripts.scratch.appending($0)).filter(\.isNumber)) ?? 0
            }
            host.expect(children.map(HostTraces.isAlive), [true, false])
            kill(children[0], SIGKILL)
        }
        #expect(failures == [])
    }

    @Test func aPodOnTheHostsNetworkHasNothingToSetUp() {
        let failures = OwnNetwork.run { host in
            let pod = try PodOfTest(in: host.scratch.path, "host")
            host.expect(try pod.networks.setUp(for: .container) == nil, "there is something")
            let none = try PodOfTest(in: host.scratch.path, "none")
            host.expect(try none.networks.setUp(for: .container)?.networks, [])
            host.expect(try host.ipJSON("link", namespace: none.namespace).count, 1)
            try leaveTwice(none, host)
        }
        #expect(failures == [])
    }
}

/// Interfaces disappear a moment after their namespace.
func settle(_ host: OwnNetwork) throws {
    let deadline = Clock.milliseconds + 10_000
    while try !host.traces().isEmpty, Clock.milliseconds < deadline { usleep(20_000) }
}

/// Takes a pod's networks away, twice, and checks that nothing is left.
func leaveTwice(_ pod: PodOfTest, _ host: OwnNetwork) throws {
    for _ in 1...2 {
        let report = pod.networks.tearDown()
        host.expect(report.isComplete, "\(report.failures)")
        host.expect(report.notices + report.warnings, [])
        try settle(host)
        host.expect(try host.traces(), [])
        host.expect(pod.hasJournal, false)
    }
}
