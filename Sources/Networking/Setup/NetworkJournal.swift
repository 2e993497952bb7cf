// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What has been done to the host for a pod, one line each, written before it is done.
struct NetworkJournal {
    let path: FilePath

    enum Entry: Equatable {
        /// A namespace is mounted there.
        case namespace(FilePath)
        /// ADD of a network is run. With `addressOnly` only its address management is.
        case network(name: String, interface: String, addressOnly: Bool, portMappings: [JSONValue])
        /// ADD of a network has ended well with this result.
        case attached(name: String, result: JSONValue)
        /// An interface of the namespace is joined to the pod's machine; what it had is in `GuestInterface.json`.
        case joined(JSONValue)
        /// Packets from 127.0.0.1 may leave the host by an interface.
        case loopback(interface: String)
        /// Ports of the host lead to the pod by rules of this tool, which go when the host is restarted; nil when it was not
        /// noted which start of the host it is.
        case ports(tool: String, boot: String?)

        /// Whether it stands for rules, or for what they allow.
        var concernsPorts: Bool {
            switch self {
            case .loopback, .ports: true
            case .namespace, .network, .attached, .joined: false
            }
        }
    }

    private static let sizeLimit = 64 << 20

    init(_ path: FilePath) { self.path = path }

    /// Writes a line and returns when it is on the disk.
    func append(_ entry: Entry) throws {
        let isNew = !FileSystem.exists(path)
        let number = open(path.string, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        let file = FileDescriptor(rawValue: number)
        defer { try? file.close() }
        try FileSystem.writeAll(Array((NetworkJournal.json(entry).encoded() + "\n").utf8), to: file, path)
        try FileSystem.synchronize(path)
        if isNew { try FileSystem.synchronize(path.removingLastComponent()) }
    }

    /// All lines; none when there is no journal. A last line without an end was not followed by anything.
    func read() throws -> [Entry] {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path, limit: NetworkJournal.sizeLimit)
        } catch let error as RuntimeError where error.code == .notFound {
            return []
        }
        let newline = UInt8(ascii: "\n")
        guard let end = bytes.lastIndex(of: newline) else { return [] }
        return try bytes[...end].split(separator: newline).enumerated().map { index, line in
            guard let document = try? JSONValue(parsing: line), let entry = NetworkJournal.entry(document) else {
                throw RuntimeError(.invalidState, "line \(index + 1) of \"\(path)\" cannot be understood")
            }
            return entry
        }
    }

    /// Everything is undone.
    func remove() throws { try FileSystem.remove(path) }

    // MARK: - Lines

    private static func json(_ entry: Entry) -> JSONValue {
        switch entry {
        case .namespace(let path): ["effect": "namespace", "path": .string(path.string)]
        case .network(let name, let interface, let addressOnly, let portMappings):
            [
                "effect": "network", "name": .string(name), "interface": .string(interface),
                "addressOnly": .bool(addressOnly), "portMappings": .array(portMappings),
            ]
        case .attached(let name, let result): ["effect": "attached", "name": .string(name), "result": result]
        case .joined(let interface): ["effect": "joined", "interface": interface]
        case .loopback(let interface): ["effect": "loopback", "interface": .string(interface)]
        case .ports(let tool, let boot):
            ["effect": "ports", "tool": .string(tool), "boot": boot.map { .string($0) } ?? .null]
        }
    }

    private static func entry(_ document: JSONValue) -> Entry? {
        func text(_ key: String) -> String? { document[key]?.string }
        switch text("effect") {
        case "namespace": return text("path").map { .namespace(FilePath($0)) }
        case "network":
            guard let name = text("name"), let interface = text("interface"),
                let addressOnly = document["addressOnly"]?.bool, let ports = document["portMappings"]?.array
            else { return nil }
            return .network(name: name, interface: interface, addressOnly: addressOnly, portMappings: ports)
        case "attached":
            guard let name = text("name"), let result = document["result"] else { return nil }
            return .attached(name: name, result: result)
        case "joined": return document["interface"].map { .joined($0) }
        case "loopback": return text("interface").flatMap { NetworkLink.isName($0) ? .loopback(interface: $0) : nil }
        case "ports": return text("tool").map { .ports(tool: $0, boot: text("boot")) }
        default: return nil
        }
    }
}
