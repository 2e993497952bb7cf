// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import GRDB
import LinuxPlatform

/// Where a stored image came from, and what is known about the copy there. It goes with the image.
package struct StoredOrigin: Sendable, Equatable {
    /// The distribution point as a `cimd:` URI in canonical form.
    package let point: String
    /// What the server calls the bytes that were fetched.
    package let entityTag: String?
    /// Until then there is no need to ask again: nanoseconds since 1970, 0 if it is to be asked always.
    package let freshUntil: Int64
    /// When the place was asked last: nanoseconds since 1970.
    package let checked: Int64

    package init(point: String, entityTag: String? = nil, freshUntil: Int64 = 0, checked: Int64 = 0) {
        self.point = point
        self.entityTag = entityTag
        self.freshUntil = freshUntil
        self.checked = checked
    }
}

extension ImageStore {
    /// The image that came from a place last, and what is known about that place.
    package func image(from point: String) throws -> (image: StoredImage, origin: StoredOrigin)? {
        try index.read { database in
            guard let record = try OriginRecord.fetchOne(database, key: point),
                let image = try ImageRecord.fetchOne(database, key: record.image)
            else { return nil }
            return (try ImageStore.image(image, database), ImageStore.origin(record))
        }
    }

    /// The places that an image came from, the one asked last at the start.
    package func origins(of image: StoredImage) throws -> [StoredOrigin] {
        try index.read { database in
            try OriginRecord.filter(OriginRecord.Columns.image == image.fullID.string)
                .order(Column("checked").desc, Column("point")).fetchAll(database).map(ImageStore.origin)
        }
    }

    /// The places that all images came from, by full ID; of each image the one asked last at the start.
    package func origins() throws -> [ImageID: [StoredOrigin]] {
        let records = try index.read { database in
            try OriginRecord.order(Column("checked").desc, Column("point")).fetchAll(database)
        }
        return try records.reduce(into: [:]) { result, record in
            result[try ImageID(parsing: record.image), default: []].append(ImageStore.origin(record))
        }
    }

    /// Notes where an image came from, in place of what was known about that place. Nothing is noted about an image that
    /// somebody has removed meanwhile.
    package func note(_ origin: StoredOrigin, of image: StoredImage) throws {
        let record = OriginRecord(
            point: origin.point, image: image.fullID.string, entityTag: origin.entityTag,
            freshUntil: origin.freshUntil, checked: origin.checked)
        try index.write { database in
            if try ImageRecord.exists(database, key: record.image) { try record.upsert(database) }
        }
    }

    private static func origin(_ record: OriginRecord) -> StoredOrigin {
        StoredOrigin(
            point: record.point, entityTag: record.entityTag, freshUntil: record.freshUntil, checked: record.checked)
    }
}
