// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What flannel's daemon has got for this host, as it tells it in a file of `NAME=VALUE` lines.
struct FlannelSubnet: Equatable {
    /// All that flannel's network reaches, one at least.
    let networks: [IPPrefix]
    /// The part of it that pods of this host have: one of IPv4, one of IPv6, or both.
    let subnets: [IPPrefix]
    let mtu: Int
    /// Whether flannel itself rewrites the addresses of packets that leave its network.
    let masquerades: Bool

    /// Where flannel writes it unless it is told otherwise.
    static let standardFile: FilePath = "/run/flannel/subnet.env"
    private static let sizeLimit = 64 << 10
    private static let networkLimit = 64

    /// - Throws: `RuntimeError` naming the file, the line, and what to do.
    init(reading file: FilePath) throws {
        let remedy = "start flanneld, or name the file that it writes in subnetFile"
        do {
            guard try FileSystem.status(file, followSymbolicLink: true).type == .regular else {
                throw RuntimeError(.invalidArgument, "\"\(file)\" is not a file: \(remedy)")
            }
            let variables = try Variables(parsing: FileSystem.read(file, limit: FlannelSubnet.sizeLimit), file)
            try self.init(variables)
        } catch let error as RuntimeError where error.code == .notFound {
            throw RuntimeError(.notFound, "flannel's file \"\(file)\" does not exist: \(remedy)")
        }
    }

    private init(_ variables: Variables) throws {
        var families = [("FLANNEL", IPAddress.Family.v4), ("FLANNEL_IPV6", .v6)]
        families.removeAll { !variables.has("\($0.0)_NETWORK") && !variables.has("\($0.0)_SUBNET") }
        if families.isEmpty { families = [("FLANNEL", .v4)] }
        var networks: [IPPrefix] = []
        var subnets: [IPPrefix] = []
        for (prefix, family) in families {
            networks += try variables.required("\(prefix)_NETWORK", "a network such as 10.1.0.0/16") { text in
                let parts = text.split(separator: ",", omittingEmptySubsequences: false)
                let found = parts.compactMap { IPPrefix(String($0)) }.filter { $0.address.family == family }
                guard found.count == parts.count, parts.count <= FlannelSubnet.networkLimit else { return nil }
                return found.map(\.network)
            }
            // A network, the host, and a pod at least.
            let longest = family.length * 8 - 2
            subnets.append(
                try variables.required("\(prefix)_SUBNET", "a subnet such as 10.1.17.1/24") { text in
                    guard let subnet = IPPrefix(text), subnet.address.family == family, !subnet.address.isLoopback,
                        !subnet.address.isUnspecified, (8...longest).contains(subnet.length)
                    else { return nil }
                    return subnet.network
                })
        }
        self.networks = networks
        self.subnets = subnets
        mtu = try variables.required("FLANNEL_MTU", "a number from 68 to 65535") { text in
            Int(text).flatMap { (68...65535).contains($0) ? $0 : nil }
        }
        masquerades = try variables.required("FLANNEL_IPMASQ", "true or false") { Bool($0) }
    }
}

/// The lines of flannel's file.
private struct Variables {
    private var values: [String: (value: String, line: Int)] = [:]
    private let file: FilePath

    init(parsing bytes: [UInt8], _ file: FilePath) throws {
        self.file = file
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line, as: UTF8.self)
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw failure(index + 1, "\(ScalarError.quoted(text)) is not NAME=VALUE") }
            // What else flannel may write one day is not judged.
            guard parts[0].hasPrefix("FLANNEL_") else { continue }
            if let first = values.updateValue((parts[1], index + 1), forKey: parts[0]) {
                throw failure(index + 1, "\(ScalarError.quoted(parts[0])) stands in line \(first.line) already")
            }
        }
    }

    func has(_ name: String) -> Bool { values[name]?.value.isEmpty == false }

    func required<Value>(_ name: String, _ expected: String, _ read: (String) -> Value?) throws -> Value {
        guard let (text, line) = values[name], !text.isEmpty else {
            throw failure(values[name]?.line, "\(name) is missing")
        }
        guard let value = read(text) else {
            throw failure(line, "\(name) is \(ScalarError.quoted(text)), not \(expected)")
        }
        return value
    }

    private func failure(_ line: Int?, _ reason: String) -> RuntimeError {
        let place = line.map { ", line \($0)" } ?? ""
        return RuntimeError(
            .invalidArgument,
            "flannel's file \"\(file)\"\(place): \(reason); restart flanneld, which writes it, or correct it")
    }
}
