// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SignatureTrust
import SystemPackage
import TestSupport
import Testing

struct KeystoreTests {
    private let scratch: ScratchDirectory
    private let key = String(repeating: "0123456789", count: 4)
    private let other = String(repeating: "abcdef0123", count: 4)

    init() throws { scratch = try ScratchDirectory() }

    private var store: Keystore {
        Keystore(directories: ["system", "local", "user"].map { scratch.appending($0) })
    }

    /// Puts a file below a configuration directory.
    private func put(_ path: String, _ contents: String = "key") throws {
        let file = scratch.path.pushing(FilePath(path))
        try FileSystem.makeDirectories(file.removingLastComponent())
        try FileSystem.write(contents.utf8, to: file)
    }

    private func keys(_ name: ACIdentifier) throws -> [String] {
        try store.entries(for: name).map(\.fingerprint.string)
    }

    @Test(
        arguments: [
            ("example.com/app", true), ("example.com/app/web", true), ("example.com/application", false),
            ("example.com", false), ("example.com/ap", false), ("other.com/example.com/app", false),
            ("example.com/app-1", false), ("example.com/app/../other", false), ("example.com//app", false),
        ] as [(ACIdentifier, Bool)])
    func `a prefix covers itself and what is below it at a slash`(name: ACIdentifier, isCovered: Bool) throws {
        try put("local/trustedkeys/prefix.d/example.com/app/\(key)")
        #expect(try store.hasKeys(for: name) == isCovered)
    }

    @Test func `root keys are for all images, and a host's keys for all of its images`() throws {
        try put("system/trustedkeys/root.d/\(key)")
        try put("local/trustedkeys/prefix.d/example.com/\(other)")
        #expect(try keys("other.com/x") == [key])
        #expect(try keys("example.com/x/y") == [key, other])
        #expect(try keys("a/../b") == [key])
    }

    @Test(arguments: ["system", "local", "user"])
    func `keys are found in each directory`(directory: String) throws {
        try put("\(directory)/trustedkeys/prefix.d/example.com/x/\(key)")
        #expect(try keys("example.com/x") == [key])
    }

    @Test func `an empty file disables a key of an earlier directory`() throws {
        try put("system/trustedkeys/prefix.d/example.com/\(key)")
        try put("system/trustedkeys/prefix.d/example.com/\(other)")
        try put("local/trustedkeys/prefix.d/example.com/\(key.uppercased())", "")
        #expect(try keys("example.com/x") == [other])
        // Elsewhere it means nothing.
        try put("system/trustedkeys/root.d/\(key)")
        #expect(try keys("example.com/x") == [key, other])
        // A later directory has the last word.
        try put("user/trustedkeys/prefix.d/example.com/\(key)")
        #expect(try store.entries(of: .prefix("example.com")).map(\.path.string).contains { $0.contains("/user/") })
    }

    @Test func `an empty file does not disable a key of a later directory`() throws {
        try put("system/trustedkeys/root.d/\(key)", "")
        try put("local/trustedkeys/root.d/\(key)")
        #expect(try keys("example.com/x") == [key])
    }

    @Test func `what is not named after a fingerprint is no key`() throws {
        for name in ["README", ".\(key).123", String(key.dropLast()), key + "0", String(repeating: "g", count: 40)] {
            try put("local/trustedkeys/root.d/\(name)")
        }
        try put("local/trustedkeys/prefix.d/example.com/\(key)/\(other)")
        #expect(try keys("example.com/x") == [])
        #expect(try !store.hasKeys(for: "example.com/x"))
    }

    @Test func `a directory that cannot be read is an error, for it may disable keys`() throws {
        try put("system/trustedkeys/root.d/\(key)")
        try put("local/trustedkeys/root.d")
        #expect(throws: RuntimeError.self) { try store.hasKeys(for: "example.com/x") }
    }

    @Test(arguments: ["a/../b", "a//b", "a/./b"] as [ACIdentifier])
    func `a prefix that is no path in good order takes no keys`(prefix: ACIdentifier) throws {
        let fingerprint = try #require(KeyFingerprint(key))
        let error = #expect(throws: RuntimeError.self) {
            try Keystore.path(of: fingerprint, for: .prefix(prefix), in: scratch.path)
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func `fingerprints are shown in groups of four`() {
        #expect(
            KeyFingerprint("b346e31de7e3c6f9d1d4603f4dfb61bf26ef7a14")?.spaced
                == "B346 E31D E7E3 C6F9 D1D4  603F 4DFB 61BF 26EF 7A14")
    }
}
