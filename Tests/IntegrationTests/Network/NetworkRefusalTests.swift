// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Networks that a pod cannot have: one line that says why, and nothing left behind.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(10)))
struct NetworkRefusalTests {
    /// Runs a pod that cannot be, and checks what is told and what is left.
    private func expectRefusal(
        _ refused: RefusedNetwork, image: [String] = PodFixture.busybox("echo ran"), _ scene: NetworkScene
    ) async throws {
        let fixture = scene.fixture
        let directory = scene.local.appending("net.d").string
        try scene.clear()
        for (name, text) in refused.files { try scene.write(name, text) }
        if let plugin = refused.plugin { try scene.install("odd", plugin) }
        let arrangement = try await fixture.onNetwork(refused.arrangement.replacing("NET.D", with: directory))
        try #require(arrangement.status == 0, "\(arrangement.error)")
        let before = try await scene.traces()
        let saved = fixture.path("uuid")
        let run = try await fixture.rkt(
            ["run", scene.flag, "--uuid-file-save=\(saved)"] + refused.flags + image,
            environment: ["RKT_NETWORK_PLUGIN_TIMEOUT": "2"])
        let what = "\(refused.flags) \(refused.files) \(refused.plugin ?? "")".prefix(300)
        #expect(run.status == 254, "\(what)")
        #expect(run.output == "", "\(what)")
        #expect(run.complaints.count == 1, "\(what): \(run.error)")
        // Mistakes of the command line are the command's, like those of other flags.
        #expect(
            ["networking: ", "run: --net"].contains { run.complaints.first?.hasPrefix($0) == true },
            "\(what): \(run.error)")
        for word in refused.words {
            let word = word.replacing("NET.D", with: directory)
            #expect(run.error.contains(word), "\(what): \(run.error)")
        }
        #expect(!FileSystem.exists(saved), "\(what)")
        #expect(try HostTraces.below(fixture.data) == [], "\(what)")
        let after = try await scene.settledTraces(before)
        #expect(NetworkScene.difference(after, before) == [], "\(what)")
    }

    @Test(arguments: [
        RefusedNetwork.selections, RefusedNetwork.files, RefusedNetwork.addresses, RefusedNetwork.plugins,
    ])
    func whatCannotBeIsToldInOneLineAndLeavesNothing(table: [RefusedNetwork]) async throws {
        try await PodFixture.with { fixture in
            let scene = try await NetworkScene(fixture)
            for refused in table { try await expectRefusal(refused, scene) }
            #expect(try await fixture.rkt("list", "--no-legend").lines == [])
        }
    }

    @Test func aPluginThatIsMissingInAChainTakesTheFirstOneBack() async throws {
        try await PodFixture.with { fixture in
            let scene = try await NetworkScene(fixture)
            let log = fixture.path("log")
            let chain = #"{"cniVersion":"0.4.0","name":"n","plugins":[{"type":"odd"},{"type":"nosuch"}]}"#
            try await expectRefusal(
                RefusedNetwork(
                    "--net=n", files: ["10-n.conflist": chain],
                    plugin: "echo $CNI_COMMAND >>\(log); [ $CNI_COMMAND = DEL ] || echo '{\"cniVersion\":\"0.4.0\"}'",
                    words: ["plugin \"nosuch\" of network \"n\" is not installed"]), scene)
            #expect(try FileSystem.readText(log) == "ADD\nDEL\n")
            // A network that was joined before is left again, too.
            try FileSystem.remove(log)
            try await expectRefusal(
                RefusedNetwork(
                    "--net=m,n",
                    files: [
                        "10-m.conf": #"""
                        {"cniVersion":"0.4.0","name":"m","type":"ptp","ipMasq":true,
                         "ipam":{"type":"host-local","subnet":"10.98.0.0/24"}}
                        """#, "20-n.conflist": chain,
                    ],
                    plugin: "echo $CNI_COMMAND >>\(log); [ $CNI_COMMAND = DEL ] || echo '{\"cniVersion\":\"0.4.0\"}'",
                    words: ["plugin \"nosuch\" of network \"n\" is not installed"]), scene)
            #expect(try FileSystem.readText(log) == "ADD\nDEL\n")
        }
    }

    private func server(_ fixture: PodFixture) async throws -> FilePath {
        try await fixture.image(
            manifest: TarFixture.manifest(
                name: "example.com/server",
                extra: #","labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"#
                    + #""app":{"exec":["/bin/sh"],"user":"0","group":"0","#
                    + #""ports":[{"name":"www","protocol":"tcp","port":8080}]}"#))
    }

    @Test func portsThatAreTakenAreRefused() async throws {
        try await PodFixture.with { fixture in
            let scene = try await NetworkScene(fixture)
            let app = [try await server(fixture).string, "--", "-c", "echo served | nc -l -p 8080; sleep 100000"]
            let inUse = ["port \"www\" cannot be forwarded", "port 7070/tcp is in use", "give another --port"]
            // A program of the host.
            let listener = try await fixture.onNetwork(
                """
                mkfifo \(fixture.path("silence"))
                busybox nc -l -p 7070 <>\(fixture.path("silence")) >/dev/null 2>&1 &
                echo $!
                until grep -q ':1B9E .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.05; done
                """)
            let pid = try #require(Int32(listener.output.filter { $0.isNumber }))
            try await expectRefusal(
                RefusedNetwork("--net=default", "--port=www:7070", words: inUse), image: app, scene)
            try await expectRefusal(
                RefusedNetwork(
                    "--net=default", "--port=www:192.0.2.77:7071",
                    words: ["port \"www\" cannot be forwarded", "192.0.2.77", "does not have the address"]),
                image: app, scene)
            kill(pid, SIGKILL)
            try await eventually("the end of the program") { !HostTraces.isAlive(pid) }

            // Another pod, which goes on as before.
            let pod = try await fixture.run([scene.flag, "--net=default", "--port=www:7070"] + app)
            let before = try await scene.traces()
            let second = try await fixture.rkt(["run", scene.flag, "--net=default", "--port=www:7070"] + app)
            #expect(second.status == 254)
            #expect(second.complaints.count == 1, "\(second.error)")
            for word in inUse { #expect(second.error.contains(word), "\(second.error)") }
            #expect(fixture.uuids == [pod.uuid])
            #expect(NetworkScene.difference(try await scene.settledTraces(before), before) == [])
            #expect(try await pod.status()["networks"]?.hasPrefix("default:ip4=172.16.28.") == true)
            let list = try await fixture.rkt("list", "--no-legend")
            #expect(list.lines.count == 1 && list.output.contains("default:ip4=172.16.28."), "\(list.output)")
            let answer = try await fixture.onNetwork(
                "for i in 1 2 3 4 5 6 7 8 9 10; do busybox nc -w 5 127.0.0.1 7070 </dev/null && break; sleep 0.2; done")
            #expect(answer.output == "served\n")
            #expect(try await pod.stop().status == 0)
        }
    }

    @Test func aPortWithoutANetworkIsWarnedOf() async throws {
        try await PodFixture.with { fixture in
            let scene = try await NetworkScene(fixture)
            let run = try await fixture.rkt([
                "run", scene.flag, "--net=none", "--port=www:7070", try await server(fixture).string, "--", "-c",
                "echo ran",
            ])
            #expect(run.status == 0)
            #expect(run.output.contains("ran"))
            #expect(
                run.complaints == [
                    "networking: warning: nothing is forwarded to port \"www\": the pod has no network"
                ])
        }
    }
}
