// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import Synchronization
import SystemPackage
import Testing

/// A data directory of a test's own, and the pods that the test runs in it.
///
/// Whatever happens, at the end the pods are stopped and removed. What a failed test's pods wrote is printed, and kept
/// below `tests/failed` in the build directory.
package final class PodFixture {

    package let scratch: ScratchDirectory
    /// What `--dir` is set to.
    package var data: FilePath { scratch.appending("data") }

    private var processes: [HostProcess] = []
    private var cleanups: [() throws -> Void] = []
    private var logCount = 0
    /// What rkt is run by, when it is not to see the host's network.
    private var wrapper: [String] = []
    /// What holds the network that pods are on instead; pods are collected there.
    private var networkHolder: HostProcess?
    private let startedAt = Clock.milliseconds
    /// The stage1 image that pods are run by in place of the standard one, unless a test names one.
    package var stage1: FilePath?
    /// Whether pods are on the host's network whatever they are told.
    private let isOnHostNetwork: Bool

    /// Runs a test's body with a fixture.
    ///
    /// - Parameter seeded: whether the store has the stage1 image and busybox already.
    package static func with(
        seeded: Bool = true, isolation: isolated (any Actor)? = #isolation,
        _ body: (PodFixture) async throws -> Void
    ) async throws {
        let fixture = try PodFixture()
        let mark = FailureMark()
        do {
            if seeded { try SeededStore.copy(to: fixture.data) }
            try await FailureMark.$current.withValue(mark) { try await body(fixture) }
        } catch {
            fixture.explainFailure()
            fixture.close()
            throw error
        }
        if mark.isSet { fixture.explainFailure() }
        let left = fixture.close()
        if !mark.isSet { #expect(left.isEmpty, "this is left after the pods were collected") }
    }

    private init() throws {
        scratch = try ScratchDirectory()
        // An image that cannot be read is told by the traits of tests that run pods.
        let tested = try? TestedStage1.current
        stage1 = tested.flatMap { $0.isNamed ? $0.image : nil }
        isOnHostNetwork = tested?.has(.ownNetwork) == false
        guard let configuration = tested?.configuration else { return }
        let directory = hostConfiguration.appending("hypervisor.d")
        try FileSystem.makeDirectories(directory)
        try FileSystem.write(Array(configuration.utf8), to: directory.appending("tested.json"))
    }

    // MARK: - Programs

    /// A new path for a file of the test.
    package func path(_ name: String) -> FilePath { scratch.appending(name) }

    /// Starts a program of the host; it is ended with the test at the latest.
    package func spawn(
        _ program: FilePath, _ arguments: [String], environment: [String: String] = [:],
        input: HostProcess.Input = .null
    ) throws -> HostProcess {
        logCount += 1
        let process = try HostProcess(
            program, arguments, environment: environment, input: input,
            log: scratch.appending("process-\(logCount)"))
        processes.append(process)
        return process
    }

    /// Runs a shell script of the host, with `rkt` and `data` as variables.
    package func shell(
        _ script: String, within limit: Duration = .seconds(150), isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        let environment = [
            "rkt": BuildProducts.rkt.string, "data": data.string,
            "images": BuildProducts.directory.appending("images").string,
        ]
        return try await spawn("/bin/sh", ["-ec", script], environment: environment).end(within: limit)
    }

    /// The arguments that choose this test's data directory and configuration.
    package var options: [String] {
        let configuration = path("configuration")
        return ["--dir=\(data)", "--insecure-options=image"]
            + (FileSystem.exists(hostConfiguration) ? ["--local-config=\(hostConfiguration)"] : [])
            + (FileSystem.exists(configuration) ? ["--user-config=\(configuration)"] : [])
    }

    /// The configuration of the host, where the tested backend needs one.
    private var hostConfiguration: FilePath { path("configuration-of-host") }

    /// The arguments of `run` and `prepare` that choose the stage1 image, for commands that `start` does not start.
    package var stage1Options: [String] { stage1.map { ["--stage1-path=\($0)"] } ?? [] }

    /// Writes a configuration file, which holds for all programs that are started from now on.
    package func configure(_ kind: String, _ fields: String) throws {
        let directory = path("configuration").appending("\(kind).d")
        try FileSystem.makeDirectories(directory)
        let text = #"{"rktKind":"\#(kind)","rktVersion":"v1",\#(fields)}"#
        try FileSystem.write(Array(text.utf8), to: directory.appending("test.json"))
    }

    /// Starts rkt. Where the network is still the host's, pods have none unless a test asks for one.
    package func start(
        _ arguments: [String], environment: [String: String] = [:], input: HostProcess.Input = .null
    ) throws -> HostProcess {
        var arguments = arguments
        if wrapper.isEmpty, let command = arguments.firstIndex(where: { !$0.hasPrefix("-") }),
            ["run", "run-prepared"].contains(arguments[command]),
            !arguments.contains(where: { $0.hasPrefix("--net") })
        {
            arguments.insert(isOnHostNetwork ? "--net=host" : "--net=none", at: command + 1)
        }
        if let command = arguments.firstIndex(where: { !$0.hasPrefix("-") }),
            ["run", "prepare"].contains(arguments[command]),
            !arguments.contains(where: { $0.hasPrefix("--stage1-") })
        {
            arguments.insert(contentsOf: stage1Options, at: command + 1)
        }
        let words = wrapper + [BuildProducts.rkt.string] + options + arguments
        return try spawn(FilePath(words[0]), Array(words.dropFirst()), environment: environment, input: input)
    }

    /// Gives all programs that `start` and `onNetwork` start from now on a network that is not the host's: interfaces,
    /// rules, namespaces and leases of pods are gone with it.
    package func leaveNetwork(isolation: isolated (any Actor)? = #isolation) async throws {
        let script = """
            for place in /run /var/lib; do mount -t tmpfs none $place; done
            mkdir /run/lock; ip link set lo up; echo there; exec sleep 100000
            """
        let holder = try spawn(
            "/usr/bin/unshare", ["--net", "--mount", "--propagation=private", "/bin/sh", "-ec", script])
        try await eventually("a network of the test's own", within: .seconds(30)) { holder.output.contains("there") }
        processes.removeAll { $0 === holder }
        networkHolder = holder
        wrapper = ["/usr/bin/nsenter", "--target=\(holder.child.pid)", "--net", "--mount"]
    }

    /// Runs a shell script of the host beside its pods, in the network that they are on.
    package func onNetwork(
        _ script: String, isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await startOnNetwork(script).end()
    }

    /// Starts such a script, which is ended with the test at the latest.
    package func startOnNetwork(_ script: String, environment: [String: String] = [:]) throws -> HostProcess {
        let words = wrapper + ["/bin/sh", "-ec", script]
        return try spawn(FilePath(words[0]), Array(words.dropFirst()), environment: environment)
    }

    /// Runs rkt to its end.
    package func rkt(
        _ arguments: [String], environment: [String: String] = [:], input: HostProcess.Input = .null,
        within limit: Duration = .seconds(150), isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await start(arguments, environment: environment, input: input).end(within: limit)
    }

    package func rkt(
        _ arguments: String..., isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await rkt(arguments)
    }

    /// Something to be undone at the end, the last one first, before pods are collected.
    package func atEnd(_ cleanup: @escaping () throws -> Void) { cleanups.append(cleanup) }

    // MARK: - Pods

    /// Runs a pod and waits until its apps are started.
    ///
    /// - Parameter arguments: what follows `rkt run`.
    package func run(
        _ arguments: [String], environment: [String: String] = [:], input: HostProcess.Input = .null,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> RunningPod {
        let file = path("uuid-\(logCount)")
        let process = try start(
            ["run", "--uuid-file-save=\(file)"] + arguments, environment: environment, input: input)
        try await eventually("a pod") {
            if let text = try? FileSystem.readText(file), text.utf8.count == 36 { return true }
            guard process.isRunning else {
                throw FixtureError("run has ended before there was a pod: \(process.error)")
            }
            return false
        }
        let pod = RunningPod(fixture: self, process: process, uuid: try FileSystem.readText(file))
        let ready = try await rkt("status", "--wait-ready=2m", pod.uuid)
        guard ready.status == 0 else { throw FixtureError("the pod is not ready: \(ready.error)\(process.error)") }
        return pod
    }

    /// Runs one busybox app with a shell script.
    package func run(
        script: String, options: [String] = [], isolation: isolated (any Actor)? = #isolation
    ) async throws -> RunningPod {
        try await run(options + PodFixture.busybox(script))
    }

    /// The arguments for a busybox app that runs a shell script.
    package static func busybox(_ script: String, name: String? = nil, _ flags: [String] = []) -> [String] {
        [BuildProducts.image("busybox").string] + (name.map { ["--name=\($0)"] } ?? []) + flags
            + ["--exec=/bin/sh", "--", "-c", script, "---"]
    }

    /// The UUIDs of all pods, by what the data directory holds.
    package var uuids: [String] {
        ((try? FileSystem.list(data.appending("pods"))) ?? []).flatMap { phase in
            (try? FileSystem.list(data.appending("pods").appending(phase))) ?? []
        }
    }

    /// What `status` says, by key.
    package func status(
        _ uuid: String, isolation: isolated (any Actor)? = #isolation
    ) async throws -> [String: String] {
        let outcome = try await rkt("status", uuid)
        guard outcome.status == 0 else { throw FixtureError("status failed: \(outcome.error)") }
        return Dictionary(
            outcome.lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - The end

    @discardableResult
    private func close() -> [String] {
        for cleanup in cleanups.reversed() { try? cleanup() }
        for process in processes.reversed() where process.isRunning { process.killAll() }
        // A machine ends right after its supervisor. A process that is ending holds its pod's lock a little longer than
        // it can be seen, so collecting is tried again.
        let deadline = Clock.milliseconds + 3000
        while !HostTraces.processes(using: data).isEmpty, Clock.milliseconds < deadline { usleep(20_000) }
        var left: [String] = []
        repeat {
            left = collect()
        } while !left.isEmpty && Clock.milliseconds < deadline
        networkHolder?.killAll()
        for point in (try? Mount.points(beneath: scratch.path)) ?? [] { try? Mount.unmount(point, detach: true) }
        scratch.close()
        return left
    }

    /// Removes the pods that have ended.
    ///
    /// - Returns: what is left of them.
    private func collect() -> [String] {
        var left: [String] = []
        if FileSystem.exists(data.appending("pods")) {
            do {
                let collector = try start(["gc", "--grace-period=0s", "--expire-prepared=0s"])
                if try collector.child.wait() != .exited(0) { left.append("gc: \(collector.error)") }
            } catch {
                left.append("gc: \(error)")
            }
        }
        return left + ((try? HostTraces.below(data)) ?? [])
    }

    /// Prints and keeps what programs and pods wrote.
    private func explainFailure() {
        let name = Test.current?.name.prefix { $0 != "(" } ?? "test"
        let kept = BuildProducts.failures.appending("\(name)-\(scratch.path.lastComponent?.string ?? "")")
        try? FileSystem.makeDirectories(kept)
        print("== \(name), after \(Clock.milliseconds - startedAt) ms; kept in \(kept)")
        for (index, process) in processes.enumerated() {
            let state = process.isRunning ? "running" : (try? process.child.poll())?.map { "\($0)" } ?? "?"
            show(
                "$ \(process.command.joined(separator: " ")) [\(state)]", process.output + process.error,
                kept.appending("process-\(index + 1)"))
        }
        let pods = data.appending("pods")
        for phase in (try? FileSystem.list(pods)) ?? [] {
            for uuid in (try? FileSystem.list(pods.appending(phase))) ?? [] {
                for file in ["console.log", "machine.log", "start-up.json"] {
                    let path = pods.appending(phase).appending(uuid).appending(file)
                    guard let text = try? FileSystem.readText(path, limit: 16 << 20) else { continue }
                    show("\(phase)/\(uuid)/\(file)", text, kept.appending("\(uuid)-\(file)"))
                }
            }
        }
        print("==")
    }

    private func show(_ title: String, _ text: String, _ file: FilePath) {
        print("-- \(title.prefix(400))")
        for line in text.split(separator: "\n").suffix(40) { print("   \(line.prefix(200))") }
        try? FileSystem.write(Array("\(title)\n\(text)".utf8), to: file)
    }
}

/// What keeps a test from being made at all.
package struct FixtureError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Whether an expectation of the current test has failed; set by the trait `podLogs`.
final class FailureMark: Sendable {
    @TaskLocal static var current: FailureMark?
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}

extension Trait where Self == IssueHandlingTrait {
    /// Lets `PodFixture` see that an expectation has failed, so that it shows what the pods wrote.
    package static var podLogs: Self {
        .compactMapIssues { issue in
            FailureMark.current?.set()
            return issue
        }
    }
}
