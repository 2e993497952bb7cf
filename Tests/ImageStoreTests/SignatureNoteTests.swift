// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageStore
import TestSupport
import Testing

/// What the store remembers of signatures.
struct SignatureNoteTests {
    private let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    @Test func `an image has what was noted of it, also for another process`() throws {
        let image = try fixture.image("example.com/app")
        #expect(try fixture.store.signature(of: image) == nil)
        try fixture.store.note(.verified(fingerprint: "0123"), of: image)
        #expect(try fixture.reopened().signature(of: image) == .verified(fingerprint: "0123"))
    }

    @Test func `an image that was verified once stays verified`() throws {
        let image = try fixture.image("example.com/app")
        try fixture.store.note(.skipped, of: image)
        #expect(try fixture.store.signature(of: image) == .skipped)
        try fixture.store.note(.verified(fingerprint: "0123"), of: image)
        try fixture.store.note(.skipped, of: image)
        try fixture.store.note(.unsigned, of: image)
        #expect(try fixture.store.signature(of: image) == .verified(fingerprint: "0123"))
        // Another key may sign it later.
        try fixture.store.note(.verified(fingerprint: "4567"), of: image)
        #expect(try fixture.store.signature(of: image)?.fingerprint == "4567")
    }

    @Test func `nothing is noted of an image that is gone`() throws {
        let image = try fixture.image("example.com/app")
        try fixture.store.note(.unsigned, of: image)
        try fixture.store.remove(image)
        try fixture.store.note(.verified(fingerprint: nil), of: image)
        #expect(try fixture.store.signature(of: image) == nil)
    }
}
