// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

/// An image that asks for more than any may without configuration.
@Suite(.requiresRoot) struct ConfiguredLimitsTests {
    private let scratch: ScratchDirectory
    private let host: FakeHost
    private let image: FilePath
    /// Just above 1 TiB, all of it but a byte a hole.
    private let size = (1 << 40) + 1

    init() throws {
        scratch = try ScratchDirectory()
        host = try FakeHost(in: scratch)
        image = scratch.appending("large.aci")
        var tar = TarFixture.image(TarFixture.manifest(name: "example.com/large"))
        tar.add(records: [
            ("GNU.sparse.size", String(size)), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "4096,1"),
        ])
        tar.add("rootfs/large", "x")
        try FileSystem.write(tar.bytes(), to: image)
    }

    private func configure(_ directory: String, _ fields: String) throws {
        let path = scratch.path.pushing(FilePath("\(directory)/limits.d/limits.json"))
        try FileSystem.makeDirectories(path.removingLastComponent())
        try FileSystem.write(#"{"rktKind":"limits","rktVersion":"v1",\#(fields)}"#.utf8, to: path)
    }

    private var runtime: PodRuntime {
        PodRuntime(
            Settings(
                dataDirectory: host.data, systemConfiguration: scratch.appending("system"),
                localConfiguration: scratch.appending("local"), insecure: .image))
    }

    @Test func aLargerImageIsRenderedWhenTheConfigurationAllows() throws {
        let error = #expect(throws: RuntimeError.self) { try runtime.fetch(image.string) }
        #expect(
            error?.description.contains(
                "large.aci expands to more than 1099511627776 bytes, the most allowed; if you trust it, raise "
                    + "\"imageExpandedSize\" in a configuration file of the kind limits") == true)
        #expect(try runtime.openImages().images().isEmpty)

        try configure("local", #""imageExpandedSize":2199023255552"#)
        let stored = try runtime.fetch(image.string)
        let tree = try runtime.openImages().rendered(runtime.openImages().image(matching: stored.id.string))
        var status = stat()
        #expect(stat(tree.rootfs.appending("large").string, &status) == 0)
        #expect(status.st_size == size)
        #expect(status.st_blocks * 512 < 1 << 20, "the hole stays a hole")

        try configure("local", #""imageEntries":1"#)
        let refusal = #expect(throws: RuntimeError.self) { try runtime.fetch(image.string) }
        #expect(refusal?.description.contains("raise \"imageEntries\" in a configuration file") == true)
    }
}
