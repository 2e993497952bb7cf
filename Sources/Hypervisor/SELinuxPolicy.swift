// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// The contexts that a host's policy of SELinux has for pods, as files of its directory say (selinux_config(5),
/// selinux_virtual_domain_context_path(3)).
package struct SELinuxPolicy: Sendable, Equatable {
    /// A machine's hypervisor with hardware virtualization, and without.
    package let virtualMachine: SELinuxContext?
    package let emulatedMachine: SELinuxContext?
    /// The files of a machine.
    package let machineFile: SELinuxContext?
    /// The processes of a container, and its files.
    package let container: SELinuxContext?
    package let containerFile: SELinuxContext?
    /// Contexts that the files name and the kernel does not know: of a module of the policy that is not loaded. They
    /// count as missing.
    package let unknown: [SELinuxContext]

    /// Where policies are.
    package static let directory: FilePath = "/etc/selinux"
    private static let limit = 64 << 10

    /// Reads the files of the policy that is configured; those that are missing, or make no sense, say nothing.
    ///
    /// - Parameter isKnown: whether the kernel's policy has a context.
    /// - Returns: nil where no policy is configured.
    package init?(
        directory: FilePath = SELinuxPolicy.directory, isKnown: (SELinuxContext) -> Bool = { _ in true }
    ) {
        guard let configuration = Self.lines(directory.appending("config")),
            let name = configuration.lazy.compactMap({ Self.value("SELINUXTYPE", in: $0) }).last,
            FilePath(name).components.count == 1, FilePath(name).isRelative, !name.hasPrefix(".")
        else { return nil }
        let contexts = directory.appending(name).appending("contexts")
        var unknown: [SELinuxContext] = []
        func context(_ text: String?) -> SELinuxContext? {
            guard let context = text.flatMap({ SELinuxContext($0) }) else { return nil }
            guard !isKnown(context) else { return context }
            unknown.append(context)
            return nil
        }
        let domains = Self.lines(contexts.appending("virtual_domain_context")) ?? []
        virtualMachine = context(domains.first)
        // Policies without a second line mean the first for both.
        emulatedMachine = domains.count > 1 ? context(domains[1]) : virtualMachine
        machineFile = context(Self.lines(contexts.appending("virtual_image_context"))?.first)
        let containers = Self.lines(contexts.appending("lxc_contexts")) ?? []
        func value(_ key: String) -> String? { containers.lazy.compactMap { Self.value(key, in: $0) }.first }
        container = context(value("process"))
        containerFile = context(value("file"))
        self.unknown = unknown
    }

    /// The context of a hypervisor.
    package func machine(_ accelerator: Accelerator) -> SELinuxContext? {
        switch accelerator {
        case .kvm: virtualMachine
        case .tcg: emulatedMachine
        }
    }

    /// Lines without comments and blanks.
    private static func lines(_ path: FilePath) -> [String]? {
        guard let text = try? FileSystem.readText(path, limit: limit) else { return nil }
        return text.split(separator: "\n").compactMap { line in
            let words = line.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
            return words.isEmpty || words.hasPrefix("#") ? nil : words
        }
    }

    /// What stands behind `KEY =`, with or without quotes.
    private static func value(_ key: String, in line: String) -> String? {
        let halves = line.split(separator: "=", maxSplits: 1)
        guard halves.count == 2, halves[0].filter({ $0 != " " }) == key else { return nil }
        return halves[1].filter { $0 != " " && $0 != "\"" }
    }
}

/// A context of SELinux: `USER:ROLE:TYPE` and perhaps a level.
package struct SELinuxContext: Sendable, Hashable, CustomStringConvertible {
    private let user: String
    private let role: String
    package let type: String
    private let level: String?

    /// Nil for what is no context.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard (3...4).contains(parts.count), text.utf8.count <= 255,
            parts.prefix(3).allSatisfy({ part in
                !part.isEmpty
                    && part.utf8.allSatisfy { byte in
                        byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
                            || (byte < 128 && Character(UnicodeScalar(byte)).isLetter)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    }
            }),
            parts.count == 3 || (!parts[3].isEmpty && parts[3].utf8.allSatisfy { (33...126).contains($0) })
        else { return nil }
        (user, role, type) = (parts[0], parts[1], parts[2])
        level = parts.count == 4 ? parts[3] : nil
    }

    private init(user: String, role: String, type: String, level: String?) {
        self.user = user
        self.role = role
        self.type = type
        self.level = level
    }

    /// The same for one pod alone. A policy without levels keeps no pods apart.
    package func confined(to categories: SELinuxCategories) -> SELinuxContext {
        guard let level else { return self }
        let sensitivity = level.prefix { $0 != ":" && $0 != "-" }
        return SELinuxContext(user: user, role: role, type: type, level: "\(sensitivity):\(categories)")
    }

    package var description: String { [user, role, type, level].compactMap { $0 }.joined(separator: ":") }
}

/// Two categories that no other pod has together: processes of one pod have no business with files of another.
package struct SELinuxCategories: Sendable, Hashable, CustomStringConvertible {
    package let first: Int
    /// More than `first`.
    package let second: Int

    /// How many a policy has (semanage(8)).
    package static let count = 1024

    /// Nil when they are not two, or out of range.
    package init?(_ one: Int, _ other: Int) {
        guard one != other, (0..<Self.count).contains(one), (0..<Self.count).contains(other) else { return nil }
        (first, second) = (min(one, other), max(one, other))
    }

    /// Reads the description.
    package init?(_ text: some StringProtocol) {
        let numbers = text.split(separator: ",").compactMap { part in
            part.first == "c" ? Int(part.dropFirst()) : nil
        }
        guard numbers.count == 2, let categories = Self(numbers[0], numbers[1]), categories.description == text else {
            return nil
        }
        self = categories
    }

    /// A pair that is not used.
    ///
    /// - Returns: nil when all of them are.
    package init?(unusedBy others: Set<SELinuxCategories>, _ generator: inout some RandomNumberGenerator) {
        for _ in 0..<64 {
            let one = Int.random(in: 0..<Self.count, using: &generator)
            let other = Int.random(in: 0..<Self.count, using: &generator)
            if let pair = Self(one, other), !others.contains(pair) {
                self = pair
                return
            }
        }
        for one in 0..<Self.count {
            for other in (one + 1)..<max(one + 1, Self.count) {
                if let pair = Self(one, other), !others.contains(pair) {
                    self = pair
                    return
                }
            }
        }
        return nil
    }

    package var description: String { "c\(first),c\(second)" }
}
