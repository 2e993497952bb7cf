// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import HostConfiguration
import Hypervisor
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport
import Testing

extension ScratchDirectory {
    /// A policy of SELinux as distributions ship it.
    func writePolicy() throws -> SELinuxPolicy {
        let contexts = path.pushing("policy/targeted/contexts")
        try FileSystem.makeDirectories(contexts)
        for (name, text) in [
            ("virtual_domain_context", "system_u:system_r:svirt_t:s0\nsystem_u:system_r:svirt_tcg_t:s0\n"),
            ("virtual_image_context", "system_u:object_r:svirt_image_t:s0\n"),
            (
                "lxc_contexts",
                "process = \"system_u:system_r:container_t:s0\"\nfile = \"system_u:object_r:container_file_t:s0\"\n"
            ),
        ] { try FileSystem.write(text.utf8, to: contexts.appending(name)) }
        try FileSystem.write("SELINUXTYPE=targeted\n".utf8, to: path.pushing("policy/config"))
        return try #require(SELinuxPolicy(directory: path.appending("policy")))
    }
}

/// Contexts of SELinux on a host whose policy is made up.
struct PodLabelsTests {
    private static func stage1(_ annotation: String?) throws -> Stage1Interface {
        let annotations = annotation.map { #"{"name":"coreos.com/rkt/stage1/\#($0)","value":"true"}"# } ?? ""
        return try Stage1Interface(
            ImageManifest(
                parsing: Array(
                    #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"s","annotations":[\#(annotations)]}"#.utf8)
            ))
    }

    private static func labels(
        _ annotation: String?, _ policy: SELinuxPolicy?, _ configuration: HypervisorConfiguration, in data: FilePath
    ) throws -> PodLabels? {
        let pod = try PodStore(dataDirectory: data).create()
        let layout = pod.layout
        // Of a start that failed.
        try FileSystem.write("x".utf8, to: layout.labels)
        try PodRuntime(Settings(dataDirectory: data)).assignLabels(
            to: layout, stage1(annotation), configuration, policy: policy)
        let labels = try PodLabels.read(layout.labels)
        pod.release()
        return labels
    }

    @Test func thePodsOfAStage1ImageHaveItsKindOfContexts() throws {
        let scratch = try ScratchDirectory()
        let policy = try scratch.writePolicy()
        let data = scratch.appending("data")
        let machine = try #require(try Self.labels("own-kernel", policy, .init(), in: data))
        #expect(machine.process.type == "svirt_t" && machine.file.type == "svirt_image_t")
        let container = try #require(try Self.labels(nil, policy, .init(), in: data))
        #expect(container.process.type == "container_t" && container.file.type == "container_file_t")
        #expect(container.categories != machine.categories)
        #expect(container.process.description.hasSuffix(":s0:\(container.categories)"))
    }

    @Test func nothingIsChosenWhereNothingIsToBe() throws {
        let scratch = try ScratchDirectory()
        let policy = try scratch.writePolicy()
        let data = scratch.appending("data")
        // A host without SELinux; an app that is not in a machine; and where it is turned off.
        #expect(try Self.labels("own-kernel", nil, .init(), in: data) == nil)
        #expect(try Self.labels("direct", policy, .init(), in: data) == nil)
        let file = scratch.path.pushing("configuration/hypervisor.d/a.json")
        try FileSystem.makeDirectories(file.removingLastComponent())
        try FileSystem.write(#"{"rktKind":"hypervisor","rktVersion":"v1","selinux":"off"}"#.utf8, to: file)
        let off = try HostConfiguration(
            reading: [ConfigurationPlace(scratch.appending("configuration"))], [HypervisorConfiguration.self])[
                HypervisorConfiguration.self]
        #expect(try Self.labels("own-kernel", policy, off, in: data) == nil)
    }

    @Test func anOverlayShowsAllFilesWithTheContext() throws {
        let layers = OverlayLayers(directory: "/pod/a,b")
        let context = try #require(SELinuxContext("system_u:object_r:svirt_image_t:s0:c3,c700"))
        let options = #"lowerdir=/tree\:1,upperdir=/pod/a\,b/upper,workdir=/pod/a\,b/work"#
        #expect(Overlay.options(lower: "/tree:1", layers) == options)
        #expect(Overlay.options(lower: "/tree:1", layers, label: context) == "context=\"\(context)\"," + options)
    }

    @Test(.enabled(if: geteuid() == 0 && !SELinuxHost.isEnabled, "root, where the kernel does not check contexts"))
    func copiesHaveTheContextAndLinksAreNotFollowed() throws {
        let scratch = try ScratchDirectory()
        let (tree, other) = (scratch.appending("tree"), scratch.appending("other"))
        try FileSystem.makeDirectories(tree.appending("a").appending("b"))
        try FileSystem.write("x".utf8, to: tree.pushing("a/b/file"))
        try FileSystem.makeDirectory(other)
        try FileSystem.write("x".utf8, to: other.appending("file"))
        try FileSystem.makeSymbolicLink(to: other.string, at: tree.appending("link"))
        let context = try #require(SELinuxContext("system_u:object_r:container_file_t:s0:c3,c700"))
        try FileLabel.set(context, onTree: tree)
        for path in [tree, tree.pushing("a/b/file"), tree.appending("link")] {
            let value = try ExtendedAttributes.value("security.selinux", of: path)
            #expect(value.map { String(decoding: $0, as: UTF8.self) } == "\(context)\0", "\(path)")
        }
        for path in [other, other.appending("file")] {
            #expect(try ExtendedAttributes.value("security.selinux", of: path) == nil, "\(path)")
        }
        let error = #expect(throws: RuntimeError.self) {
            try FileLabel.set(context, onTree: scratch.appending("missing"))
        }
        for word in ["\(context)", "missing", "\"off\""] { #expect(error?.message.contains(word) == true, "\(word)") }
    }
}
