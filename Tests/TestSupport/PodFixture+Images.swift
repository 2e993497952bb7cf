// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

extension PodFixture {
    /// Makes an image from another one.
    ///
    /// - Parameters:
    ///   - manifest: the manifest in place of the image's own.
    ///   - files: programs to add, by path in the image's root.
    ///   - links: symbolic links to add, their targets by their paths.
    ///   - removing: paths in the image's root.
    package func image(
        from name: String = "busybox", manifest: String? = nil, adding files: [String: String] = [:],
        links: [String: String] = [:], removing: [String] = [], isolation: isolated (any Actor)? = #isolation
    ) async throws -> FilePath {
        let source = name.contains("/") ? FilePath(name) : BuildProducts.image(name)
        let tree = path("image-\(Clock.microseconds)")
        try FileSystem.makeDirectory(tree)
        try await require("/bin/tar", ["-xpf", source.string, "-C", tree.string])
        if let manifest { try FileSystem.write(Array(manifest.utf8), to: tree.appending("manifest")) }
        for (path, contents) in files {
            let file = tree.appending("rootfs").pushing(FilePath(path))
            try FileSystem.makeDirectories(file.removingLastComponent())
            try FileSystem.write(Array(contents.utf8), to: file, mode: 0o755)
        }
        for (path, target) in links {
            let link = tree.appending("rootfs").pushing(FilePath(path))
            try FileSystem.makeDirectories(link.removingLastComponent())
            try FileSystem.makeSymbolicLink(to: target, at: link)
        }
        for path in removing { try FileSystem.remove(tree.appending("rootfs").pushing(FilePath(path))) }
        let result = FilePath(tree.string + ".aci")
        try await require("/bin/tar", ["-cf", result.string, "-C", tree.string, "manifest", "rootfs"])
        return result
    }

    /// Runs a program of the host that has to succeed.
    package func require(
        _ program: FilePath, _ arguments: [String], isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let outcome = try await spawn(program, arguments).end()
        guard outcome.status == 0 else {
            throw FixtureError("\(program) \(arguments.joined(separator: " ")): \(outcome.error)")
        }
    }
}
