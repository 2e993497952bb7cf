// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// A directory of the host that the guest mounts by its tag.
///
/// The two transports differ in what a guest can do through them. virtiofs behaves like a local file system: fifos,
/// sockets, device nodes, truncation and unlinked files all work, so app roots go over it. 9p needs no server process;
/// through QEMU 7.2 it cannot make special files and cannot truncate, chmod or reopen an unlinked file. With both,
/// `readOnly` holds whatever the guest asks for.
package enum Share: Sendable, Equatable {
    /// Served by a virtiofsd process over shared guest memory; when `readOnly`, that process cannot write either.
    case virtiofs(tag: String, source: FilePath, cache: VirtiofsCache, readOnly: Bool)
    /// Served by the hypervisor itself; `readOnly` is enforced by the device.
    case plan9(tag: String, source: FilePath, readOnly: Bool)
    /// A file or directory that is there from the beginning, on machines that share the host's kernel.
    case bind(source: FilePath, target: FilePath, isRecursive: Bool, readOnly: Bool)

    /// What the guest mounts it by, at most 31 bytes, or where it is; unique within a machine.
    package var tag: String {
        switch self {
        case .virtiofs(let tag, _, _, _), .plan9(let tag, _, _): tag
        case .bind(_, let target, _, _): target.string
        }
    }

    /// Whether the guest cannot change what is shared, whatever it asks for.
    package var isReadOnly: Bool {
        switch self {
        case .virtiofs(_, _, _, let readOnly), .plan9(_, _, let readOnly), .bind(_, _, _, let readOnly): readOnly
        }
    }

    /// What is exported.
    package var source: FilePath {
        switch self {
        case .virtiofs(_, let source, _, _), .plan9(_, let source, _), .bind(let source, _, _, _): source
        }
    }
}

/// How long the guest may rely on what it has learnt about a virtiofs share (virtiofsd's `cache` option).
package enum VirtiofsCache: String, Sendable, CaseIterable {
    /// Revalidated after a second; changes made on the host are seen.
    case auto
    /// Kept until evicted; only for a directory nothing on the host changes.
    case always
    /// Nothing is cached, and shared memory mappings of files do not work.
    case none
}
