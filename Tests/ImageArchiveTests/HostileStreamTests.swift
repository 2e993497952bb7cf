// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Archives that are too large to stand in a file, and what is restored of attributes.
@Suite(.requiresRoot) struct HostileStreamTests {
    /// Writes an image with so many empty files into a pipe, until nobody reads it any more.
    private func stream(entries: Int, into pipe: FileDescriptor) {
        var template = TarFixture()
        template.add("rootfs/00000000", .file)
        var block = Array(template.withoutEnd.prefix(512))
        let sum = block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element)) }
        try? _ = pipe.writeAll(TarFixture.image().withoutEnd)
        var chunk: [UInt8] = []
        for number in 0..<entries {
            var rest = number
            var digits = 0
            for place in stride(from: 14, through: 7, by: -1) {
                block[place] = 0x30 + UInt8(rest % 10)
                digits += rest % 10
                rest /= 10
            }
            let text = Array(String(sum + digits, radix: 8).utf8)
            block.replaceSubrange(148..<154, with: [UInt8](repeating: 0x30, count: 6 - text.count) + text)
            chunk += block
            if chunk.count >= 1 << 18 {
                do { _ = try pipe.writeAll(chunk) } catch { return }
                chunk.removeAll(keepingCapacity: true)
            }
        }
        _ = try? pipe.writeAll(chunk + [UInt8](repeating: 0, count: 1024))
    }

    @Test func aMillionEntriesAreReadAndOneMoreThanAllowedIsNot() throws {
        signal(SIGPIPE, SIG_IGN)
        let hostile = try HostileStore(limits: ArchiveLimits(entries: 500_000))
        let before = try hostile.contents()
        let ends = try FileDescriptor.pipe(options: .closeOnExec)
        let group = DispatchGroup()
        // Not on one of the threads that tests have: this one is held, and all others may be.
        DispatchQueue(label: "stream").async(group: group) {
            stream(entries: 1_000_000, into: ends.writeEnd)
            try? ends.writeEnd.close()
        }
        let refusal = hostile.importImage(from: ends.readEnd)
        try ends.readEnd.close()
        group.wait()
        #expect(
            refusal?.message
                == "IMAGE holds more than 500000 entries, the most allowed; if you trust it, raise \"imageEntries\" in a "
                + "configuration file of the kind limits")
        #expect(try hostile.contents() == before)
        #expect(try hostile.changesOutside() == [])
    }

    /// Names of attributes that must not reach a tree.
    static let foreign = [
        "trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy", "user.overlay.opaque",
        "trusted.SGI_ACL_FILE", "security.selinux", "security.ima", "security.evm", "security.apparmor",
        "system.posix_acl_access", "system.posix_acl_default", "", "user", "capability",
    ]

    @Test(arguments: foreign)
    func attributesOfTheHostAreNotRestored(name: String) throws {
        let fixture = try ArchiveFixture()
        var tar = TarFixture.image()
        for (path, kind) in [("file", TarFixture.Kind.file), ("directory", .directory), ("link", .symbolicLink)] {
            tar.add("rootfs/\(path)", kind, link: kind == .symbolicLink ? "x" : "", attributes: [(name, "y")])
        }
        let root = try fixture.render(tar).appending("rootfs")
        for path in ["file", "directory", "link"] {
            #expect(try ExtendedAttributes.names(root.appending(path)) == [])
        }
    }

    @Test func aCapabilityIsRestoredToFilesOnly() throws {
        let fixture = try ArchiveFixture()
        var tar = TarFixture.image()
        let attributes = [("security.capability", TreeRendererTests.capability)]
        tar.add("rootfs/file", .file, attributes: attributes)
        tar.add("rootfs/directory", .directory, attributes: attributes)
        tar.add("rootfs/link", .symbolicLink, link: "file", attributes: attributes)
        let root = try fixture.render(tar).appending("rootfs")
        #expect(try ExtendedAttributes.names(root.appending("file")) == ["security.capability"])
        #expect(try ExtendedAttributes.names(root.appending("directory")) == [])
        #expect(try ExtendedAttributes.names(root.appending("link")) == [])
    }

    /// The two notations of pax records; libarchive's own has the value in base 64.
    @Test(arguments: [("SCHILY.xattr.", "direct"), ("LIBARCHIVE.xattr.", "ZGlyZWN0")])
    func attributesOfDirectoriesAndLinksAreRestored(prefix: String, value: String) throws {
        let fixture = try ArchiveFixture()
        var tar = TarFixture.image()
        func record(_ name: String) { tar.add(records: [(prefix + name, value)]) }
        record("trusted.rkt")
        tar.add("rootfs/directory", .directory, mode: 0o500)
        record("trusted.rkt")
        tar.add("rootfs/link", .symbolicLink, link: "directory")
        record("trusted.rkt")
        tar.add("rootfs/implied/file", .file)
        record("trusted.rkt")
        tar.add("rootfs/implied", .directory, mode: 0o711)
        let root = try fixture.render(tar).appending("rootfs")
        for name in ["directory", "link", "implied", "implied/file"] {
            #expect(
                try ExtendedAttributes.value("trusted.rkt", of: root.appending(name)) == Array("direct".utf8), "\(name)"
            )
        }
        #expect(try FileSystem.status(root.appending("implied")).mode == 0o711)
    }

    @Test func theRootHasAttributesToo() throws {
        let fixture = try ArchiveFixture()
        var tar = TarFixture()
        tar.add("manifest", TarFixture.manifest())
        tar.add("rootfs", .directory, attributes: [("trusted.rkt", "root")])
        let root: FilePath = try fixture.render([.init(tar: tar)], rootfsOnly: true)
        #expect(try ExtendedAttributes.value("trusted.rkt", of: root) == Array("root".utf8))
    }
}
