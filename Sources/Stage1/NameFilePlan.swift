// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import LinuxPlatform
import Networking
import PodStore
import SystemPackage

/// The files that name hosts for the apps: what the pod is told to have in place of what its images have.
struct NameFilePlan {
    private(set) var files: [PodConfiguration.SharedFile] = []
    private let replacesResolver: Bool

    private static let resolver = "/etc/resolv.conf"
    private static let hosts = "/etc/hosts"
    /// Bytes of one file; both must fit into the pod's configuration.
    private static let limit = 2 << 20

    /// - Parameters:
    ///   - names: what the pod's networks say, for apps of a pod that was not told anything else.
    ///   - etc: the host's configuration files.
    init(
        _ arguments: EntrypointArguments, _ names: NetworkResult.DNS?, pod: PodLayout, etc: FilePath = "/etc"
    ) throws {
        replacesResolver =
            switch arguments.resolver {
            case .host, .stage0: true
            case .standard: names != nil
            case .none: false
            }
        try add(arguments.resolver, Self.resolver, host: etc.appending("resolv.conf"), stage0: pod.stage1Resolver)
        if arguments.resolver == .standard, let names {
            files.append(.init(path: Self.resolver, contents: Array(names.resolverText.utf8)))
        }
        try add(arguments.hosts, Self.hosts, host: etc.appending("hosts"), stage0: pod.stage1Hosts)
    }

    private mutating func add(
        _ source: EntrypointArguments.NameFile, _ path: String, host: FilePath, stage0: FilePath
    ) throws {
        let file: FilePath
        switch source {
        case .standard, .none: return
        case .host: file = host
        case .stage0: file = stage0
        }
        do {
            files.append(
                .init(path: path, contents: try FileSystem.read(file, limit: Self.limit), readOnly: source == .host))
        } catch {
            throw RuntimeError(.notFound, "there is no \(path) for the apps", cause: error)
        }
    }

    /// A hosts file for an app whose image has none, where there is no guest to make it.
    ///
    /// - Parameters:
    ///   - mounts: the app's volumes, of which one may bring the file.
    ///   - hostname: what the app is told to be called.
    mutating func addMissingHosts(root: FilePath, mounts: [PodConfiguration.Mount], hostname: String) throws {
        guard !files.contains(where: { $0.path == Self.hosts }), !RootDirectory(root).exists(Self.hosts) else { return }
        let place = try FileSystem.place(of: FilePath(Self.hosts), inRoot: root)
        guard !mounts.contains(where: { place.starts(with: FilePath($0.target)) }) else { return }
        let text = """
            127.0.0.1 localhost localhost.domain localhost4 localhost4.localdomain4 \(hostname)
            ::1 localhost localhost.domain localhost6 localhost6.localdomain6 \(hostname)

            """
        files.append(.init(path: Self.hosts, contents: Array(text.utf8)))
    }

    /// The mounts of an app without those that a file of the pod goes before: a resolv.conf that was asked for counts
    /// more than a volume in its place, a hosts file less.
    ///
    /// - Parameter root: the app's; its links may lead from one place to the other.
    func mounts(_ mounts: [PodConfiguration.Mount], root: FilePath) throws -> [PodConfiguration.Mount] {
        guard replacesResolver, !mounts.isEmpty else { return mounts }
        let place = try FileSystem.place(of: FilePath(Self.resolver), inRoot: root)
        return mounts.filter { FilePath($0.target) != place }
    }
}

extension NetworkResult.DNS {
    /// As resolv.conf(5) has it.
    fileprivate var resolverText: String {
        var lines: [String] = []
        if let domain { lines.append("domain \(domain)") }
        if !search.isEmpty { lines.append("search " + search.joined(separator: " ")) }
        lines += nameservers.map { "nameserver \($0)" }
        if !options.isEmpty { lines.append("options " + options.joined(separator: " ")) }
        return lines.map { $0 + "\n" }.joined()
    }
}
