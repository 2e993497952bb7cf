// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageFetch
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct OCILayoutTests {
    private static func tar(_ contents: String = "hello") -> TarFixture {
        var tar = TarFixture()
        tar.add("file", contents)
        return tar
    }

    // MARK: - Forms

    /// Programs that compress, applied to each half of a layer: both formats may come in several parts.
    @Test(.requires("zstd"), arguments: [["gzip", "-nc"], ["zstd", "-qc"], []], [1, 3])
    func layersOfEveryCompressionAreRead(program: [String], parts: Int) throws {
        let fixture = try LayoutFixture()
        var layer = LayoutFixture.Layer(OCILayoutTests.tar(String(repeating: "contents ", count: 200_000)))
        if let name = program.first {
            layer.bytes = []
            let size = layer.plain.count / parts + 1
            for start in stride(from: 0, to: layer.plain.count, by: size) {
                let part = fixture.scratch.appending("part")
                try FileSystem.write(layer.plain[start..<min(start + size, layer.plain.count)], to: part)
                layer.bytes += try Program.output(name, program[1], input: part)
            }
            layer.mediaType += "+" + name
        }
        try fixture.writeIndex([try fixture.addImage([layer])])
        let archive = try fixture.convert().archive
        let listing = try Program.output("tar", "-tvf", archive.string)
        #expect(String(decoding: listing, as: UTF8.self).contains(" 1800000 "))
    }

    @Test(arguments: ["-cf", "-czf"]) func anArchiveOfALayoutIsALayout(flags: String) throws {
        let fixture = try LayoutFixture.image([OCILayoutTests.tar()])
        let expected = try FileSystem.read(fixture.convert().archive)
        let archive = fixture.scratch.appending("layout.tar")
        _ = try Program.output("tar", flags, archive.string, "-C", fixture.path.string, ".")
        _ = try fixture.convert(at: archive, ref: "latest")
        #expect(try FileSystem.read(fixture.scratch.appending("image.aci")) == expected)
    }

    @Test(.requires("skopeo"), arguments: ["oci", "oci-archive"])
    func whatSkopeoCopiesIsRead(kind: String) throws {
        let fixture = try LayoutFixture.image([OCILayoutTests.tar("a"), OCILayoutTests.tar("b")])
        let copy = fixture.scratch.appending("copy")
        _ = try Program.output(
            "skopeo", "--insecure-policy", "copy", "-q", "oci:\(fixture.path):latest", "\(kind):\(copy):v2")
        let (image, archive) = try fixture.convert(at: copy, ref: "v2")
        #expect(image.manifest.name == "copy" && image.manifest.version == "v2")
        let listing = try Program.output("tar", "-xOf", archive.string, "rootfs/file")
        #expect(listing == Array("b".utf8))
    }

    // MARK: - References

    @Test func theReferencesAreListedWhenNoneFits() throws {
        let fixture = try LayoutFixture()
        let images = try ["one", "two"].map { name in
            try fixture.addImage([LayoutFixture.Layer(OCILayoutTests.tar(name))], extra: LayoutFixture.reference(name))
        }
        try fixture.writeIndex(images)
        #expect(try OCILayout(fixture.path, settings: fixture.settings).references == ["one", "two"])
        #expect(try fixture.refusal().contains(#"one must be named; it has "one", "two""#))
        #expect(try fixture.refusal(ref: "three").contains(#"has no image "three"; it has "one", "two""#))
        let (image, archive) = try fixture.convert(ref: "two")
        #expect(image.manifest.version == "two")
        #expect(try Program.output("tar", "-xOf", archive.string, "rootfs/file") == Array("two".utf8))
        let byDigest = try fixture.convert(ref: image.rootDigest.description).image
        #expect(byDigest.manifest.version == "sha256-\(image.rootDigest.hex)")
    }

    @Test(arguments: [
        ("docker.io/library/redis:3.2", "registry-1.docker.io/library/redis", "3.2"), ("a b", "layout", "a b"),
    ])
    func aReferenceMayBeAWholeName(ref: String, name: String, version: String) throws {
        let fixture = try LayoutFixture()
        let image = try fixture.addImage(
            [LayoutFixture.Layer(OCILayoutTests.tar())], extra: LayoutFixture.reference(ref))
        try fixture.writeIndex([image])
        let manifest = try fixture.convert().image.manifest
        #expect(manifest.name.string == name && manifest.version == version)
    }

    @Test(arguments: [
        (["s390x", "amd64", "arm64"], "amd64", "", "amd64"), (["amd64 v3", "amd64 v1"], "amd64", "", "amd64 v1"),
        (["arm64 v8", "amd64"], "arm64", "", "arm64 v8"), (["arm v6", "arm v7"], "arm", "v7", "arm v7"),
        (["amd64 v1", "amd64"], "amd64", "", "amd64"), (["amd64 v2", "arm64"], "amd64", "", nil),
    ])
    func thePlatformsImageIsChosen(
        platforms: [String], architecture: String, variant: String, expected: String?
    ) throws {
        let fixture = try LayoutFixture()
        let images = try platforms.map { platform in
            let parts = platform.split(separator: " ").map(String.init)
            return try fixture.addImage(
                [LayoutFixture.Layer(OCILayoutTests.tar(platform))],
                extra: LayoutFixture.platform(parts[0], variant: parts.count > 1 ? parts[1] : ""))
        }
        let index = #"{"schemaVersion":2,"manifests":[\#(images.joined(separator: ","))]}"#
        let descriptor = try fixture.add(
            Array(index.utf8), "application/vnd.docker.distribution.manifest.list.v2+json")
        try fixture.writeIndex([descriptor])
        var settings = fixture.settings
        settings.platform = ImagePlatform(system: "linux", architecture: architecture, variant: variant)
        guard let expected else {
            #expect(try fixture.refusal(settings: settings).contains("it has images for linux/amd64/v2, linux/arm64"))
            return
        }
        let archive = try fixture.convert(settings: settings).archive
        #expect(try Program.output("tar", "-xOf", archive.string, "rootfs/file") == Array(expected.utf8))
    }

    // MARK: - Damage

    @Test func damagedBlobsAreRefused() throws {
        let fixture = try LayoutFixture.image([OCILayoutTests.tar()])
        let layer = fixture.blob(ContentDigest(of: OCILayoutTests.tar().bytes()))
        var bytes = try FileSystem.read(layer)
        bytes[600] ^= 1
        try FileSystem.write(bytes, to: layer)
        #expect(try fixture.refusal().contains("layer 1 of 1 of layout is damaged or was tampered with"))
        try FileSystem.write(bytes.dropLast(10), to: layer)
        #expect(try fixture.refusal().contains("is damaged or was tampered with: it has 2038 bytes"))
        try FileSystem.write(Array("no archive".utf8), to: layer)
        #expect(try fixture.refusal().contains("is damaged or was tampered with"))
        try FileSystem.remove(layer)
        #expect(try fixture.refusal().contains("the layout lacks the blob sha256:"))
        _ = try Program.output("mkfifo", layer.string)
        #expect(try fixture.refusal().contains("is not a regular file"))
    }

    @Test func layersMustBeThoseOfTheConfiguration() throws {
        let fixture = try LayoutFixture()
        let layers = [LayoutFixture.Layer(OCILayoutTests.tar("a")), LayoutFixture.Layer(OCILayoutTests.tar("b"))]
        let digests = layers.map { ContentDigest(of: $0.plain) }
        try fixture.writeIndex([try fixture.addImage(layers, digests: digests.reversed())])
        #expect(try fixture.refusal().contains("layer 1 of 2 of layout does not belong to the image"))
        try fixture.writeIndex([try fixture.addImage(layers, digests: [digests[0]])])
        #expect(try fixture.refusal().contains("has 2 layers, and its configuration lists 1"))
    }

    @Test(arguments: [
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "", "foreign layer"),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "", "foreign layer"),
        ("application/vnd.oci.image.layer.v1.tar", #","urls":["https://example.com/layer"]"#, "foreign layer"),
        ("application/vnd.oci.image.layer.v1.tar+encrypted", "", "is not supported"),
        ("text/html", "", "not supported"),
    ])
    func otherLayersAreRefused(mediaType: String, extra: String, message: String) throws {
        let fixture = try LayoutFixture()
        var layer = LayoutFixture.Layer(OCILayoutTests.tar())
        layer.mediaType = mediaType
        layer.extra = extra
        try fixture.writeIndex([try fixture.addImage([layer])])
        #expect(try fixture.refusal().contains(message))
    }

    @Test func indexesMayNestOnlySoDeep() throws {
        let fixture = try LayoutFixture()
        var descriptor = try fixture.addImage([LayoutFixture.Layer(OCILayoutTests.tar())])
        for depth in 1...6 {
            try fixture.writeIndex([descriptor])
            let refusal = try fixture.refusal()
            #expect(refusal == "accepted" || depth > 4)
            if depth == 6 { #expect(refusal.contains("nested deeper than 4")) }
            descriptor = try fixture.add(
                Array(#"{"schemaVersion":2,"manifests":[\#(descriptor)]}"#.utf8),
                "application/vnd.oci.image.index.v1+json")
        }
    }

    @Test func largeDocumentsAreNotRead() throws {
        let fixture = try LayoutFixture.image([OCILayoutTests.tar()])
        var settings = fixture.settings
        settings.limits.configurationBytes = 64
        #expect(try fixture.refusal(settings: settings).contains("is larger than 64 bytes"))
        settings.limits.documentBytes = 100
        #expect(try fixture.refusal(settings: settings).contains("larger than 100 bytes"))
        settings = fixture.settings
        settings.limits.layers = 0
        #expect(try fixture.refusal(settings: settings).contains("layers has 1 elements, and 0 are the most allowed"))
    }

    @Test func otherDirectoriesAndFilesAreNoLayouts() throws {
        let fixture = try LayoutFixture.image([OCILayoutTests.tar()])
        #expect(try fixture.refusal(at: fixture.scratch.path).contains(#"it holds no file "oci-layout""#))
        let file = fixture.scratch.appending("docker.tar")
        var tar = TarFixture()
        tar.add("manifest.json", "[]")
        try FileSystem.write(tar.bytes(), to: file)
        #expect(try fixture.refusal(at: file).contains("skopeo copy docker-archive:"))
        try FileSystem.write(Array(#"{"imageLayoutVersion":"2.0.0"}"#.utf8), to: fixture.path.appending("oci-layout"))
        #expect(try fixture.refusal().contains("of version 2.0.0; only 1.0.0 is supported"))
    }
}
