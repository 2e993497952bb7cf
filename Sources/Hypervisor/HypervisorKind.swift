// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The backends this project has, by the names used in stage1 annotations and configuration.
package enum HypervisorKind: String, Sendable, CaseIterable {
    case qemu
    case lkvm
    case libvirt
    case nspawn
    case fly
}
