// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

/// What depends on a backend asks for its capabilities: nothing but the registry and a backend's own folder names one.
struct BackendNameTests {
    private static let sources = (0..<3).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        .appending("Sources")

    /// Where names are at home, below `Sources`.
    private static let homes = [
        "Backends/BackendRegistry.swift", "Backends/QEMU/", "Backends/LKVM/", "Backends/Libvirt/", "Backends/Nspawn/",
        "Backends/Fly/",
    ]

    /// A line with one of these words or operators decides something.
    private static let conditions: Set<Substring> = [
        "if", "guard", "else", "switch", "case", "while", "where", "default", "is", "as",
    ]
    private static let comparisons = ["==", "!=", "~=", "&&", "||", " ? ", ".contains(", ".hasPrefix(", ".hasSuffix("]

    /// Whether a line of Swift decides something by a backend's name or type.
    static func decidesByName(_ line: String) -> Bool {
        let code: Substring = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let words = code.split { !isPartOfName($0) }
        let hasWord = words.contains { conditions.contains($0) }
        let hasComparison = comparisons.contains { code.contains($0) }
        guard hasWord || hasComparison else { return false }
        return HypervisorKind.allCases.contains { kind in
            let name = kind.rawValue
            let isText = code.contains("\"\(name)\"")
            // As in `.qemu`, but not `.qemuVersion`.
            let isMember = code.split(separator: ".", omittingEmptySubsequences: false).dropFirst().contains { part in
                String(part.prefix { isPartOfName($0) }) == name
            }
            let isType = words.contains { $0.lowercased().hasPrefix("\(name)hypervisor") }
            return isText || isMember || isType
        }
    }

    private static func isPartOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    /// The Swift files below a directory.
    private static func files(below directory: FilePath) throws -> [FilePath] {
        try FileSystem.list(directory).sorted().flatMap { name -> [FilePath] in
            let path = directory.appending(name)
            if try FileSystem.status(path).type == .directory { return try files(below: path) }
            return name.hasSuffix(".swift") ? [path] : []
        }
    }

    @Test func `no condition names a backend`() throws {
        let prefix = Self.sources.string + "/"
        let files = try Self.files(below: Self.sources).map { ($0, String($0.string.dropFirst(prefix.count))) }
        #expect(files.count > 100, "these are the sources")
        for home in Self.homes { #expect(files.contains { $0.1.hasPrefix(home) }, "there is no \(home)") }
        var found: [String] = []
        for (path, name) in files where !Self.homes.contains(where: { name.hasPrefix($0) }) {
            let lines = try FileSystem.readText(path).split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where Self.decidesByName(String(line)) {
                let text = String(line.drop { $0 == " " })
                found.append("Sources/\(name):\(index + 1): \(text)")
            }
        }
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test(arguments: [
        "if kind == .qemu {", "guard name != \"lkvm\" else { return }", "        case .fly: return 1",
        "case \"nspawn\":", "} else if [.nspawn, .fly].contains(kind) {", "let fast = kind == HypervisorKind.lkvm",
        "if backend is QEMUHypervisor {", "let own = hypervisor as? FlyHypervisor", "    == \"fly\"",
        "return hypervisor.kind == .nspawn ? 1 : 2", "let names = all.contains(\"qemu\")",
    ])
    func `conditions by name are seen`(line: String) {
        #expect(Self.decidesByName(line))
    }

    @Test(arguments: [
        "    case qemu", "if settings.qemuVersion == 7 {", "// case .qemu is the usual one", "if name == \"lkvms\" {",
        "if capabilities.contains(.ownKernel) {", "case butterfly", "private static let standard = HypervisorKind.qemu",
        "switch kind { // .fly", "guard isFlying else { return }",
    ])
    func `other lines are not`(line: String) {
        #expect(!Self.decidesByName(line))
    }
}
