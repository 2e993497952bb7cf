// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The networks that pods of this host can join.
package struct NetworkCatalog: Sendable {
    /// In the order in which they are loaded.
    package let networks: [NetworkConfiguration]
    /// Where files of networks are looked for.
    package let directories: [FilePath]

    private static let fileLimit = 1024

    /// Reads the files of directories over the built-in networks; each directory overrides those before it by name.
    ///
    /// - Throws: when any file cannot be understood: it might override a network that would be used in its place.
    package init(reading directories: [FilePath]) throws {
        self.directories = directories
        var found: [(file: String, network: NetworkConfiguration)] = []
        for directory in directories {
            let files = try NetworkCatalog.files(in: directory)
            let names = Set(files.map(\.network.name))
            found.removeAll { names.contains($0.network.name) }
            found += files
        }
        // Names of files decide, wherever they stand; sorting keeps the order of directories for equal ones.
        let sorted = found.enumerated().sorted {
            ($0.element.file, $0.offset) < ($1.element.file, $1.offset)
        }.map(\.element.network)
        let names = Set(sorted.map(\.name))
        networks = sorted + (try BuiltInNetwork.configurations().filter { !names.contains($0.name) })
    }

    private static func files(in directory: FilePath) throws -> [(file: String, network: NetworkConfiguration)] {
        let names: [String]
        do {
            names = try FileSystem.list(directory).filter { form(of: $0) != nil }
        } catch let error as RuntimeError where error.code == .notFound {
            return []
        }
        guard names.count <= fileLimit else {
            throw RuntimeError(
                .invalidArgument, "\(directory) holds \(names.count) files of networks, \(fileLimit) are allowed")
        }
        var owners: [String: FilePath] = [:]
        var result: [(file: String, network: NetworkConfiguration)] = []
        for name in names {
            let path = directory.appending(name)
            guard let form = form(of: name),
                try FileSystem.status(path, followSymbolicLink: true).type == .regular
            else { continue }
            let bytes = try FileSystem.read(path, limit: NetworkConfiguration.sizeLimit)
            let network = try NetworkConfiguration(parsing: bytes, form, file: path)
            if let owner = owners.updateValue(path, forKey: network.name) {
                throw RuntimeError(
                    .invalidArgument,
                    "network configuration \"\(path)\": name: \"\(owner)\" has the network \"\(network.name)\" already")
            }
            result.append((name, network))
        }
        return result
    }

    /// What an editor hides beside a file does not count.
    private static func form(of name: String) -> NetworkConfiguration.Form? {
        guard !name.hasPrefix(".") else { return nil }
        if name.hasSuffix(".conf") { return .single }
        return name.hasSuffix(".conflist") ? .list : nil
    }

    // MARK: - Choosing

    /// The networks of a pod, in the order in which they are loaded.
    ///
    /// - Throws: code `notFound` for a name that no network has.
    package func select(_ selection: NetworkSelection) throws -> [SelectedNetwork] {
        guard case .networks(let entries, let includesAll) = selection else { return [] }
        let known = Set(networks.map(\.name))
        let unknown = entries.map(\.name).filter { !known.contains($0) }
        let places = directories.map(\.string).joined(separator: ", ")
        guard unknown.isEmpty else {
            throw RuntimeError(
                .notFound,
                "failed to setup network: networks not found: \(unknown.joined(separator: ", ")) "
                    + "(known are \(networks.map(\.name).joined(separator: ", ")); "
                    + "files of networks are looked for in \(places))")
        }
        let arguments = Dictionary(entries.map { ($0.name, $0.arguments) }) { first, _ in first }
        let selected = networks.compactMap { network -> SelectedNetwork? in
            guard let listed = arguments[network.name] else {
                return includesAll && network.file != nil ? SelectedNetwork(network, arguments: "") : nil
            }
            return SelectedNetwork(network, arguments: listed)
        }
        guard !selected.isEmpty else {
            throw RuntimeError(
                .notFound, "--net=all: no network is configured; files of networks are looked for in \(places)")
        }
        return selected
    }
}

/// A network that a pod joins.
package struct SelectedNetwork: Sendable, Equatable {
    package let configuration: NetworkConfiguration
    /// `KEY=VALUE;…` for its plugins; may be empty.
    package let arguments: String

    package init(_ configuration: NetworkConfiguration, arguments: String) {
        self.configuration = configuration
        self.arguments = arguments
    }

    package var name: String { configuration.name }

    /// The value of an argument.
    package func argument(_ key: String) -> String? {
        for pair in arguments.split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] == key { return String(parts[1]) }
        }
        return nil
    }
}
