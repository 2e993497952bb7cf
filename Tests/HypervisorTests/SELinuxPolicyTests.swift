// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Policies of hosts that are made up.
struct SELinuxPolicyTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    private func write(_ path: String, _ text: String) throws {
        let file = scratch.path.pushing(FilePath(path))
        try FileSystem.makeDirectories(file.removingLastComponent())
        try FileSystem.write(text.utf8, to: file)
    }

    private var policy: SELinuxPolicy? { SELinuxPolicy(directory: scratch.path) }

    /// As distributions ship it.
    private func writeTargeted() throws {
        try write("config", "# SELINUXTYPE= is one of these\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
        try write(
            "targeted/contexts/virtual_domain_context",
            "system_u:system_r:svirt_t:s0\nsystem_u:system_r:svirt_tcg_t:s0\n")
        try write(
            "targeted/contexts/virtual_image_context",
            "system_u:object_r:svirt_image_t:s0\nsystem_u:object_r:virt_content_t:s0\n")
        try write(
            "targeted/contexts/lxc_contexts",
            """
            process = "system_u:system_r:container_t:s0"
            content = "system_u:object_r:virt_var_lib_t:s0"
            file = "system_u:object_r:container_file_t:s0"
            ro_file="system_u:object_r:container_ro_file_t:s0"
            """)
    }

    @Test func `machines and containers have the contexts of the policy`() throws {
        try writeTargeted()
        let policy = try #require(policy)
        #expect(policy.machine(.kvm)?.description == "system_u:system_r:svirt_t:s0")
        #expect(policy.machine(.tcg)?.description == "system_u:system_r:svirt_tcg_t:s0")
        #expect(policy.machineFile?.type == "svirt_image_t")
        #expect(policy.container?.type == "container_t")
        #expect(policy.containerFile?.type == "container_file_t")
    }

    @Test func `what the kernel's policy does not know counts as missing`() throws {
        try writeTargeted()
        let policy = try #require(SELinuxPolicy(directory: scratch.path) { !$0.type.hasPrefix("container_") })
        #expect(policy.container == nil && policy.containerFile == nil)
        #expect(policy.unknown.map(\.type) == ["container_t", "container_file_t"])
        let categories = try #require(SELinuxCategories(3, 700))
        #expect(PodLabels(policy, hasOwnKernel: false, categories) == nil)
        #expect(PodLabels(policy, hasOwnKernel: true, categories) != nil)
    }

    @Test func `a policy that has nothing for pods says so`() throws {
        try write("config", "SELINUXTYPE=minimum\n")
        let policy = try #require(policy)
        #expect(policy.machine(.kvm) == nil && policy.container == nil && policy.machineFile == nil)
    }

    @Test func `a policy with one context for machines means it for emulation, too`() throws {
        try writeTargeted()
        try write("targeted/contexts/virtual_domain_context", "system_u:system_r:svirt_t:s0\n")
        #expect(try #require(policy).machine(.tcg)?.type == "svirt_t")
    }

    @Test(arguments: ["", "SELINUX=disabled\n", "SELINUXTYPE=\n", "SELINUXTYPE=../targeted\n", "SELINUXTYPE=/etc\n"])
    func `without a policy there is none`(text: String) throws {
        try writeTargeted()
        try write("config", text)
        #expect(policy == nil)
    }

    @Test(arguments: ["", "a:b", "::", "a:b:c:", "a b:c:d", "a:b:c\u{e4}", "a:b:c:s0\n", "a:b:c:s0 x"])
    func `what is no context is refused`(text: String) { #expect(SELinuxContext(text) == nil) }

    @Test func `a policy counts only where the kernel has SELinux`() throws {
        try writeTargeted()
        let kernel = scratch.appending("kernel")
        #expect(SELinuxHost.policy(fileSystem: kernel, directory: scratch.path) == nil)
        try FileSystem.makeDirectory(kernel)
        #expect(SELinuxHost.policy(fileSystem: kernel, directory: scratch.path) == nil)
        try FileSystem.write("0".utf8, to: kernel.appending("enforce"))
        #expect(SELinuxHost.policy(fileSystem: kernel, directory: scratch.path)?.container?.type == "container_t")
    }

    @Test func `a pod's contexts are those of the policy with its categories`() throws {
        try writeTargeted()
        let (policy, categories) = (try #require(policy), try #require(SELinuxCategories(3, 700)))
        let machine = try #require(PodLabels(policy, hasOwnKernel: true, categories))
        #expect(machine.process(.kvm).description == "system_u:system_r:svirt_t:s0:c3,c700")
        #expect(machine.process(.tcg).description == "system_u:system_r:svirt_tcg_t:s0:c3,c700")
        #expect(machine.file.description == "system_u:object_r:svirt_image_t:s0:c3,c700")
        let container = try #require(PodLabels(policy, hasOwnKernel: false, categories))
        #expect(container.process(nil).description == "system_u:system_r:container_t:s0:c3,c700")
        #expect(container.file.description == "system_u:object_r:container_file_t:s0:c3,c700")
        for labels in [machine, container] { #expect(try PodLabels(parsing: labels.description) == labels) }
    }

    @Test func `without a context for files a pod has none`() throws {
        try writeTargeted()
        try FileSystem.remove(scratch.path.pushing("targeted/contexts/virtual_image_context"))
        let categories = try #require(SELinuxCategories(3, 700))
        #expect(PodLabels(try #require(policy), hasOwnKernel: true, categories) == nil)
        #expect(PodLabels(try #require(policy), hasOwnKernel: false, categories) != nil)
    }

    @Test func `categories of other pods are not chosen`() throws {
        try writeTargeted()
        let policy = try #require(policy)
        var generator = SystemRandomNumberGenerator()
        var others: [String] = []
        for _ in 0..<200 {
            let labels = try #require(
                try PodLabels(policy, hasOwnKernel: others.count.isMultiple(of: 2), others: others, &generator))
            others.append(labels.description)
        }
        #expect(try Set(others.map { try PodLabels(parsing: $0).categories }).count == 200)
        // What another pod has is not guessed.
        for text in ["", "categories=c1,c2\n", others[0].replacing("categories=c", with: "categories=x")] {
            #expect(throws: RuntimeError.self) {
                try PodLabels(policy, hasOwnKernel: true, others: others + [text], &generator)
            }
        }
    }

    @Test func `each pod has categories of its own`() throws {
        let categories = try #require(SELinuxCategories(700, 3))
        #expect(categories.description == "c3,c700")
        #expect(SELinuxCategories("c3,c700") == categories)
        let context = try #require(SELinuxContext("system_u:system_r:svirt_t:s0-s0:c0.c1023"))
        #expect(context.confined(to: categories).description == "system_u:system_r:svirt_t:s0:c3,c700")
        let plain = try #require(SELinuxContext("u:r:t"))
        #expect(plain.confined(to: categories) == plain)
    }

    @Test(arguments: ["", "c1", "c1,c1", "c2,c1", "c1,c1024", "c-1,c2", "1,2", "c1,c2,c3", "c01,c2"])
    func `what are no categories is refused`(text: String) { #expect(SELinuxCategories(text) == nil) }

    @Test func `categories that are used are not given again`() throws {
        var generator = SystemRandomNumberGenerator()
        var used: Set<SELinuxCategories> = []
        for _ in 0..<1000 {
            let next = try #require(SELinuxCategories(unusedBy: used, &generator))
            #expect(used.insert(next).inserted)
        }
        // The last one is found, and then none is left.
        let all = (0..<SELinuxCategories.count).flatMap { one in
            ((one + 1)..<max(one + 1, SELinuxCategories.count)).compactMap { SELinuxCategories(one, $0) }
        }
        let last = try #require(SELinuxCategories(511, 513))
        #expect(SELinuxCategories(unusedBy: Set(all).subtracting([last]), &generator) == last)
        #expect(SELinuxCategories(unusedBy: Set(all), &generator) == nil)
    }
}
