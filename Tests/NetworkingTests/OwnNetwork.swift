// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import CLinuxShims
import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport

/// A network of a test's own, beside that of the host: interfaces, rules, namespaces and leases are gone with it.
///
/// It belongs to one thread and to what that starts. Nothing in it can report to the test, so it collects failures.
final class OwnNetwork {
    private(set) var failures: [String] = []
    let scratch: ScratchDirectory

    private init() throws { scratch = try ScratchDirectory() }

    /// Runs a body in a network of its own.
    ///
    /// - Returns: what was not as it should be.
    static func run(_ body: @escaping @Sendable (OwnNetwork) throws -> Void) -> [String] {
        let job = Job(body)
        var thread = pthread_t()
        // SAFETY: the job lives until the thread has been joined.
        let pointer = Unmanaged.passUnretained(job).toOpaque()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                argument.map { Unmanaged<Job>.fromOpaque($0).takeUnretainedValue().run() }
                return nil
            }, pointer)
        guard failed == 0 else { return ["pthread_create: \(failed)"] }
        pthread_join(thread, nil)
        return withExtendedLifetime(job) { job.failures }
    }

    private final class Job {
        let body: @Sendable (OwnNetwork) throws -> Void
        var failures: [String] = []

        init(_ body: @escaping @Sendable (OwnNetwork) throws -> Void) { self.body = body }

        func run() {
            do {
                // Before the thread is in another world, since the directory is removed in this one.
                let network = try OwnNetwork()
                defer { failures += network.failures }
                try Mount.leaveNamespace()
                try check(rkt_unshare(Int32(RKT_CLONE_NEWNET)), "unshare")
                for directory in ["/run", "/var/lib/cni"] as [FilePath] {
                    try FileSystem.makeDirectories(directory)
                    try Mount.mount(source: "none", target: directory, type: "tmpfs")
                }
                _ = try network.ip("link", "set", "lo", "up")
                try body(network)
            } catch {
                failures.append("\(error)")
            }
        }
    }

    func expect(_ condition: Bool, _ what: @autoclosure () -> String, line: Int = #line) {
        if !condition { failures.append("line \(line): \(what())") }
    }

    func expect<Value: Equatable>(_ value: Value, _ wanted: Value, line: Int = #line) {
        expect(value == wanted, "\(value) is not \(wanted)", line: line)
    }

    // MARK: - Looking

    /// Runs ip(8).
    func ip(_ arguments: String...) throws -> String { try run("ip", arguments) }

    /// What ip(8) tells of a pod's namespace or, without one, of the host.
    func ipJSON(_ arguments: String..., namespace: FilePath? = nil) throws -> [JSONValue] {
        let place = namespace.map { ["-n", $0.lastComponent?.string ?? ""] } ?? []
        let text = try run("ip", ["-j"] + place + arguments)
        return text.allSatisfy(\.isWhitespace) ? [] : try JSONValue(parsing: Array(text.utf8)).array ?? []
    }

    /// `ADDRESS/LENGTH` of an interface in a namespace.
    func addresses(_ interface: String, namespace: FilePath) throws -> [String] {
        try ipJSON("addr", "show", "dev", interface, "scope", "global", namespace: namespace).flatMap { link in
            (link["addr_info"]?.array ?? []).compactMap { address in
                guard let local = address["local"]?.string, let length = address["prefixlen"]?.int else { return nil }
                return "\(local)/\(length)"
            }
        }
    }

    func run(_ name: String, _ arguments: [String], input: FilePath = "/dev/null") throws -> String {
        guard let program = Program.path(of: name) else { throw Errno.noSuchFileOrDirectory }
        let result = scratch.appending("output")
        let source = try FileDescriptor.open(input, .readOnly)
        defer { try? source.close() }
        let output = try FileDescriptor.open(
            result, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? output.close() }
        let child = try ChildProcess.spawn(
            SpawnRequest(
                path: program, arguments: [name] + arguments, environment: ["PATH=\(HostProcess.searchPath)"],
                descriptors: [source.rawValue, output.rawValue, 2]))
        defer { child.close() }
        let exit = try child.wait()
        guard exit == .exited(0) else {
            throw RuntimeError(.internal, "\(name) \(arguments.joined(separator: " ")) ended with \(exit)")
        }
        return try FileSystem.readText(result, limit: 16 << 20)
    }

    /// What a host has of pods: links, leases, rules, tables, and mounted namespaces.
    func traces() throws -> [String] {
        var traces = try ipJSON("link").compactMap { $0["ifname"]?.string }.filter { $0 != "lo" && !$0.hasPrefix("br") }
        for network in (try? FileSystem.list("/var/lib/cni/networks")) ?? [] {
            let leases = try FileSystem.list(FilePath("/var/lib/cni/networks").appending(network))
            traces += leases.filter { IPAddress($0) != nil }
        }
        for program in ["iptables-save", "ip6tables-save"] {
            traces += try run(program, []).split(separator: "\n").filter { $0.hasPrefix("-A") && $0.contains("id: ") }
                .map(String.init)
        }
        if Program.path(of: "nft") != nil {
            traces += try run("nft", ["list", "tables"]).split(separator: "\n").filter { $0.contains("rkt-") }
                .map(String.init)
        }
        traces += ((try? FileSystem.list("/var/run/netns")) ?? []).map { "namespace \($0)" }
        return traces
    }
}
