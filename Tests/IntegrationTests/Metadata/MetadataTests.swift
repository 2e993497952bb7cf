// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods that ask the metadata service who they are.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(5)))
struct MetadataTests {
    @Test(.requires(.severalApps), arguments: ["default", "default-restricted"])
    func theValidatorIsContent(network: String) async throws {
        try await validate(network: network)
    }

    @Test func theValidatorIsContentInAContainer() async throws {
        try await validate(network: "default", stage1: BuildProducts.containerStage1)
    }

    private func validate(network: String, stage1: FilePath? = nil) async throws {
        try await MetadataHost.with(stage1: stage1) { host in
            try await host.startService()
            let main = try await ValidatorImage.make(
                "ace-validator-main", ValidatorImage.main,
                annotations: #"{"name":"color","value":"red"},{"name":"size","value":"9"}"#, in: host.fixture)
            let sidekick = try await ValidatorImage.make(
                "ace-validator-sidekick", ValidatorImage.sidekick, in: host.fixture)
            let run = try await host.fixture.rkt(
                [
                    "run", "--net=\(network)", "--mds-register", "--volume=database,kind=empty",
                    "--annotation=example.com/pod=yes", main.string, "--annotation=color=blue",
                    "--annotation=example.com/new=1", sidekick.string,
                ])
            #expect(run.complaints == [])
            #expect(run.texts(of: "ace-validator-main") == ["prestart OK", "main metadata OK", "poststop OK"])
            #expect(run.texts(of: "ace-validator-sidekick") == ["sidekick OK"])
            #expect(run.status == 0)
            // The supervisor has taken the pod back.
            #expect(try await host.registered() == [])
            let uuid = try #require(host.fixture.uuids.first)
            let pod = host.fixture.data.pushing("pods/run").appending(uuid)
            #expect(!FileSystem.exists(pod.appending("metadata")))
        }
    }

    /// Two pods, of which one tries to pass for the other; then the service is killed, and then a supervisor.
    @Test(.requires(.ownKernel)) func aPodIsItselfAndNobodyElse() async throws {
        try await MetadataHost.with { host in
            try await host.startService()
            let options = ["--net=default", "--mds-register"]
            let flags = ["--caps-retain=CAP_NET_ADMIN"]
            let script = PodFixture.busybox("exec sleep 100000", flags)
            let first = try await host.fixture.run(options + script)
            let second = try await host.fixture.run(options + script)
            #expect(try await host.registered() == [first.uuid, second.uuid].sorted())
            let tokens = try await checkIdentities(first, second)
            try await checkSignatures(first, second)
            try await checkForeignAddress(first, second)
            try await checkRestart(host, second)
            // The token is in no argument, which every user of the host may read.
            let arguments = try await host.fixture.onNetwork("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").output
            for token in tokens { #expect(!arguments.contains(token)) }
            try await checkEnds(host, first, second)
        }
    }

    private let base = "$AC_METADATA_URL/acMetadata/v1"

    /// - Returns: both tokens.
    private func checkIdentities(_ first: RunningPod, _ second: RunningPod) async throws -> [String] {
        var urls: [String] = []
        for pod in [first, second] {
            #expect(try await pod.shell("wget -q -O - \(base)/pod/uuid") == pod.uuid)
            let url = try await pod.shell("echo $AC_METADATA_URL")
            #expect(url.hasPrefix("http://172.16.28.1:18112/"))
            let file = pod.directory.appending("metadata")
            #expect(try FileSystem.readText(file) == "{\"url\":\"\(url)\"}\n")
            #expect(try FileSystem.status(file).mode & 0o777 == 0o600)
            urls.append(url)
        }
        let other = try await first.shell("wget -q -O - \(urls[1])/acMetadata/v1/pod/uuid")
        #expect(other.contains("401") && !other.contains(second.uuid))
        return urls.compactMap { $0.split(separator: "/").last.map(String.init) }
    }

    /// A signature holds once, and for the pod that has made it.
    private func checkSignatures(_ first: RunningPod, _ second: RunningPod) async throws {
        let escape = "sed 's/+/%2B/g;s#/#%2F#g;s/=/%3D/g'"
        func sign() async throws -> String {
            try await first.shell("wget -q -O - --post-data content=hello \(base)/pod/hmac/sign | \(escape)")
        }
        func verify(_ signature: String, _ uuid: String) async throws -> String {
            try await second.shell(
                "wget -q -O - --post-data 'content=hello&uuid=\(uuid)&signature=\(signature)' \(base)/pod/hmac/verify "
                    + "&& echo good")
        }
        let signature = try await sign()
        #expect(try await verify(signature, second.uuid).contains("403"))
        #expect(try await verify(signature, first.uuid) == "good")
        #expect(try await verify(signature, first.uuid).contains("403"))
    }

    /// With the other's token and, as far as root of the pod can have it, with the other's address.
    private func checkForeignAddress(_ first: RunningPod, _ second: RunningPod) async throws {
        let address = "ip -o -4 addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'"
        let foreign = try await second.shell(address)
        #expect(foreign.hasPrefix("172.16.28."))
        let url = try await second.shell("echo \(base)/pod/uuid")
        let said = try await first.shell(
            """
            ip addr add \(foreign)/32 dev eth0 || exit 1
            ip route replace 172.16.28.1/32 dev eth0 src \(foreign) || exit 1
            timeout 5 wget -q -O - \(url) 2>/dev/null
            echo tried
            """)
        #expect(said.contains("tried"))
        #expect(!said.contains(second.uuid))
        #expect(try await second.shell("wget -q -O - \(base)/pod/uuid") == second.uuid)
    }

    private func checkRestart(_ host: MetadataHost, _ pod: RunningPod) async throws {
        host.killService()
        try await host.startService()
        #expect(try await pod.shell("wget -q -O - \(base)/pod/uuid") == pod.uuid)
    }

    /// Whose supervisor was killed is taken back by gc, also without a service.
    private func checkEnds(_ host: MetadataHost, _ first: RunningPod, _ second: RunningPod) async throws {
        _ = try await first.stop()
        #expect(try await host.registered() == [second.uuid])
        host.killService()
        #expect(kill(second.process.child.pid, SIGKILL) == 0)
        _ = try await second.process.end()
        let deadline = Clock.milliseconds + 60_000
        var left: [String] = []
        repeat {
            #expect(try await host.fixture.rkt("gc", "--grace-period=0s").status == 0)
            left = try await host.registered()
        } while !left.isEmpty && Clock.milliseconds < deadline
        #expect(left == [])
    }

    /// No service, and one that has gone and left its socket.
    @Test func withoutAServiceNoPodIsLeft() async throws {
        try await MetadataHost.with { host in
            let arguments = ["run", "--net=default", "--mds-register"] + PodFixture.busybox("echo never")
            let missing = try await host.fixture.rkt(arguments)
            #expect(missing.status == 254)
            #expect(missing.error.contains("there is no socket /run/rkt/metadata-svc.sock; start it: systemctl start"))
            #expect(host.fixture.uuids == [])
            try await host.startService()
            host.killService()
            let dead = try await host.fixture.rkt(arguments)
            #expect(dead.status == 254)
            #expect(dead.error.contains("cannot talk to the metadata service at /run/rkt/metadata-svc.sock"))
            #expect(!dead.output.contains("never"))
            #expect(host.fixture.uuids == [])
            #expect(try await host.fixture.onNetwork("ip netns list; ip -o link show type veth").output == "")
        }
    }

    @Test func aPodThatCannotReachTheHostIsRefused() async throws {
        try await MetadataHost.with { host in
            try await host.startService()
            let directory = host.fixture.path("configuration").appending("net.d")
            try FileSystem.makeDirectories(directory)
            try await host.fixture.onNetwork("ip link add lower type veth peer name upper; ip link set lower up")
                .require()
            let macvlan = """
                {"name":"street","type":"macvlan","master":"lower",
                 "ipam":{"type":"host-local","subnet":"10.67.0.0/24"}}
                """
            try FileSystem.write(macvlan.utf8, to: directory.appending("20-street.conf"))
            let run = try await host.fixture.rkt(
                ["run", "--net=street", "--mds-register"] + PodFixture.busybox("echo never"))
            #expect(run.status == 254)
            #expect(run.error.contains("none of \"street\" does, add default-restricted to --net"), "\(run.error)")
            #expect(host.fixture.uuids == [])
            #expect(try await host.registered() == [])
        }
    }
}

/// A pod without a supervisor is on the host's network, and is taken back when it is removed.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct MetadataOfAppsTests {
    @Test func anAppOfTheHostAsksByItsLoopbackAddress() async throws {
        try await MetadataHost.with(stage1: BuildProducts.flyStage1) { host in
            try await host.startService()
            let run = try await host.fixture.rkt(
                ["run", "--net=host", "--mds-register"]
                    + PodFixture.busybox("echo $AC_METADATA_URL; wget -q -O - $AC_METADATA_URL/acMetadata/v1/pod/uuid"))
            #expect(run.status == 0)
            let uuid = try #require(host.fixture.uuids.first)
            #expect(run.lines.first?.hasPrefix("http://127.0.0.1:18112/") == true)
            #expect(run.lines.last == uuid)
            #expect(try await host.registered() == [uuid])
            #expect(try await host.fixture.rkt("rm", uuid).status == 0)
            #expect(try await host.registered() == [])
        }
    }
}

extension HostProcess.Outcome {
    /// Looks at the status of a script that makes the scene.
    fileprivate func require() throws {
        guard status == 0 else { throw FixtureError("status \(status): \(output)\(error)") }
    }
}
