// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// The program filesystem-check in every place that a file system comes to an app from.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(8)))
struct FilesystemCheckTests {
    /// The control: what the checks want is what a file system of the host does.
    @Test func theHostItselfPassesAllChecks() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let outcome = try await fixture.spawn(
                BuildProducts.filesystemCheck, [fixture.scratch.path.string] + Self.numbers()
            ).end(within: .seconds(300))
            #expect(Self.failures(outcome.lines) == [])
            #expect(outcome.status == 0)
        }
    }

    @Test(.requires(.ownKernel)) func rootsAndEmptyVolumesDifferFromTheHostAsDocumented() async throws {
        let documented = try DocumentedDifferences()
        try await PodFixture.with { fixture in
            let image = try await image(in: fixture)
            let run = try await fixture.rkt(
                ["run", "--volume=e,kind=empty", image.string, "--name=root", "--", "/"] + Self.numbers()
                    + ["---", image.string, "--name=empty", "--mount=volume=e,target=/e", "--", "/e"] + Self.numbers(),
                within: .seconds(400))
            for (app, column) in [("root", "root"), ("empty", "empty volume")] {
                let failures = Self.failures(run.texts(of: app))
                #expect(failures.names == documented.checks(in: column), "\(failures)")
            }
            #expect(run.status == 0)
        }
    }

    @Test(.requires(.ownKernel), arguments: VolumeTransport.allCases)
    func hostVolumesDifferFromTheHostAsDocumented(over transport: VolumeTransport) async throws {
        let documented = try DocumentedDifferences()
        try await PodFixture.with { fixture in
            try transport.configure(fixture)
            let image = try await image(in: fixture)
            let host = fixture.path("host")
            try FileSystem.makeDirectory(host)
            let run = try await fixture.rkt(
                ["run", "--volume=v,kind=host,source=\(host)", image.string, "--mount=volume=v,target=/v", "--", "/v"]
                    + Self.numbers(), within: .seconds(400))
            let failures = Self.failures(run.texts(of: "filesystem-check"))
            #expect(failures.names == documented.checks(in: "`\(transport.rawValue)`"), "\(failures)")
            #expect(run.status == 0)
            #expect(try FileSystem.list(host) == [])
        }
    }

    // MARK: - The program

    /// Its seed and its steps.
    private static func numbers() -> [String] {
        let seed = SeededGenerator.printedSeed(for: "filesystem-check")
        return ["\(seed)", "\(Soak.choose(20_000, sample: 400))"]
    }

    /// The lines of what is not fulfilled. There are many lines, and the last one is of the last check.
    private static func failures(_ lines: [String]) -> [String] {
        let results = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
        #expect(results.count > 120)
        #expect(results.last?.contains("remove-all") == true)
        return results.filter { $0.hasPrefix("not ok ") }
    }

    private func image(in fixture: PodFixture) async throws -> FilePath {
        let tree = fixture.path("filesystem-check")
        try FileSystem.makeDirectories(tree.pushing("rootfs/bin"))
        let program = "\(tree)/rootfs/bin/filesystem-check"
        try await fixture.require("/usr/bin/strip", ["-o", program, BuildProducts.filesystemCheck.string])
        let manifest = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/filesystem-check",\
            "labels":[{"name":"version","value":"1"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],\
            "app":{"exec":["/bin/filesystem-check"],"user":"0","group":"0"}}
            """
        try FileSystem.write(Array(manifest.utf8), to: tree.appending("manifest"))
        let file = fixture.path("filesystem-check.aci")
        let build = try await fixture.rkt("image", "build", "--compression=none", tree.string, file.string)
        #expect(build.status == 0, "\(build.error)")
        return file
    }
}

extension [String] {
    /// The names of the checks in lines of the form `not ok NAME: WHAT`.
    fileprivate var names: Set<String> {
        Set<String>(map { String($0.dropFirst("not ok ".count).prefix { $0 != ":" }) })
    }
}

/// The table of Documentation/volumes.md whose last column names checks.
private struct DocumentedDifferences {
    /// The checks that fail, by the heading of the column that says "no".
    private var failing: [String: Set<String>] = [:]

    init() throws {
        let text = try FileSystem.readText("Documentation/volumes.md")
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("|") }.map { line in
            line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map {
                String($0.trimmingPrefix(" ").reversed().trimmingPrefix(" ").reversed())
            }
        }
        let start = try #require(rows.firstIndex { $0.last == "checks" })
        let heading = rows[start]
        for row in rows[start...].dropFirst(2).prefix(while: { $0.count == heading.count }) {
            let checks = (row.last ?? "").split(separator: "`").filter { $0.contains("/") }.map(String.init)
            #expect(!checks.isEmpty)
            for (column, cell) in zip(heading, row) where cell == "no" {
                failing[column, default: []].formUnion(checks)
            }
        }
        #expect(failing.keys.allSatisfy { heading.contains($0) })
    }

    func checks(in column: String) -> Set<String> { failing[column] ?? [] }
}
