// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Hypervisor
import Testing

/// What users are told of the backends: `dist/backends.sh` makes a document of the text.
struct CapabilityTests {
    /// Those that users see the effect of, with their titles there.
    private static let titles: [(name: String, capability: HypervisorCapabilities, title: String)] = [
        ("ownKernel", .ownKernel, "a kernel of the pod's own"),
        ("agent", .agent, "an agent beside the apps"),
        ("preservesExitStatus", .preservesExitStatus, "exit statuses of apps become the pod's"),
        ("hostNetwork", .hostNetwork, "the host's network"),
        ("virtiofs", .virtiofs, "directories shared by virtiofs"),
        ("userNamespaces", .userNamespaces, "user ids of the pod's own"),
        ("mutablePods", .mutablePods, "apps added to running pods"),
        ("pause", .pause, "pods that are frozen and resumed"),
    ]

    @Test func backendsAreAsDocumented() throws {
        var lines = Self.titles.map { "\($0.name) = \($0.title)" }
        for kind in HypervisorKind.allCases {
            let capabilities = try BackendRegistry.hypervisor(kind).capabilities
            let names = Self.titles.filter { capabilities.contains($0.capability) }.map(\.name)
            lines.append("\(kind.rawValue): \(names.joined(separator: " "))")
        }
        try GoldenFile("capabilities").expect(lines.joined(separator: "\n") + "\n")
    }
}
