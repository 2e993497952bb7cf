// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import TestSupport
import Testing

/// An archive that means harm, or looks as if it did, and what comes of it.
struct HostileArchive: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable, Equatable {
        /// The whole message; `IMAGE` stands for the path of the file.
        case refused(String)
        /// Accepted, and the tree holds just this: lines of `HostileStore.listing`.
        case rendered([String])
    }

    let testDescription: String
    let outcome: Outcome
    let limits: ArchiveLimits
    /// The images of a store; the last one is the hostile one.
    let images: @Sendable () throws -> [[UInt8]]

    /// Any bytes.
    init(
        _ description: String, _ outcome: Outcome, limits: ArchiveLimits = ArchiveLimits(),
        images: @escaping @Sendable () throws -> [[UInt8]]
    ) {
        testDescription = description
        self.outcome = outcome
        self.limits = limits
        self.images = images
    }

    /// A valid image with what `change` adds to it.
    init(
        _ description: String, _ outcome: Outcome, limits: ArchiveLimits = ArchiveLimits(),
        _ change: @escaping @Sendable (inout TarFixture) -> Void
    ) {
        self.init(description, outcome, limits: limits) {
            var tar = TarFixture.image()
            change(&tar)
            return [tar.bytes()]
        }
    }

    /// A valid image that is refused as invalid for a reason.
    static func invalid(
        _ description: String, _ reason: String, _ change: @escaping @Sendable (inout TarFixture) -> Void
    ) -> HostileArchive {
        HostileArchive(description, .refused("IMAGE is not a valid image: \(reason)"), change)
    }

    /// An archive without anything but what `build` puts into it, refused as invalid for a reason.
    static func noImage(
        _ description: String, _ reason: String, _ build: @escaping @Sendable (inout TarFixture) -> Void
    ) -> HostileArchive {
        HostileArchive(description, .refused("IMAGE is not a valid image: \(reason)")) {
            var tar = TarFixture()
            build(&tar)
            return [tar.bytes()]
        }
    }

    /// A valid image that is rendered, and nothing of it does harm.
    static func harmless(
        _ description: String, _ tree: [String], _ change: @escaping @Sendable (inout TarFixture) -> Void
    ) -> HostileArchive {
        HostileArchive(description, .rendered(tree), change)
    }
}
