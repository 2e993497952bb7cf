// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import LinuxPlatform

/// What was made of an image's signature when the image was imported.
package enum StoredSignature: Sendable, Equatable {
    /// It was good.
    ///
    /// - Parameter fingerprint: of the key that made it; nil when that was not told.
    case verified(fingerprint: String?)
    /// None was needed: the place that the image came from vouches for it.
    case unsigned
    /// Nobody looked at it, as was asked for.
    case skipped

    /// One word.
    package var word: String {
        switch self {
        case .verified: "verified"
        case .unsigned: "unsigned"
        case .skipped: "skipped"
        }
    }

    package var fingerprint: String? { if case .verified(let fingerprint) = self { fingerprint } else { nil } }
}

/// A row of the table `signature`; it goes with the image.
struct SignatureRecord: FetchableRecord, PersistableRecord, TableRecord {
    static let databaseTableName = "signature"

    /// Full ID.
    var image: String
    var state: String
    var fingerprint: String?

    static func createTable(_ database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.primaryKey("image", .text).references(ImageRecord.databaseTableName, onDelete: .cascade)
            table.column("state", .text).notNull()
            table.column("fingerprint", .text)
        }
    }

    init(image: String, _ signature: StoredSignature) {
        self.image = image
        state = signature.word
        fingerprint = signature.fingerprint
    }

    init(row: Row) {
        image = row["image"]
        state = row["state"]
        fingerprint = row["fingerprint"]
    }

    func encode(to container: inout PersistenceContainer) {
        container["image"] = image
        container["state"] = state
        container["fingerprint"] = fingerprint
    }

    /// Nil for a word of a newer version.
    var signature: StoredSignature? {
        switch state {
        case "verified": .verified(fingerprint: fingerprint)
        case "unsigned": .unsigned
        case "skipped": .skipped
        default: nil
        }
    }
}

extension ImageStore {
    /// What was made of an image's signature; nil for one that was imported by a version which did not note it.
    package func signature(of image: StoredImage) throws -> StoredSignature? {
        try index.read { try SignatureRecord.fetchOne($0, key: image.fullID.string)?.signature }
    }

    /// Notes what was made of an image's signature. An image that was verified once stays that: its ID says that it is the
    /// same. Users who may only read the store note nothing.
    package func note(_ signature: StoredSignature, of image: StoredImage) throws {
        guard !index.isReadOnly else { return }
        let known = try self.signature(of: image)
        switch (known, signature) {
        case (.verified, .unsigned), (.verified, .skipped): return
        case (let known, let new) where known == new: return
        default: break
        }
        let record = SignatureRecord(image: image.fullID.string, signature)
        try index.write { database in
            // Somebody may have removed the image already.
            if try ImageRecord.exists(database, key: record.image) { try record.upsert(database) }
        }
    }
}
