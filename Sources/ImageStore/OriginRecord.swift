// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// A row of the table `origin`: a place that an image came from, and what its server said about that.
struct OriginRecord: FetchableRecord, PersistableRecord, TableRecord {
    static let databaseTableName = "origin"

    enum Columns {
        static let image = Column("image")
    }

    /// The distribution point as a `cimd:` URI in canonical form.
    var point: String
    /// Full ID of the image that came of it.
    var image: String
    var entityTag: String?
    /// Nanoseconds since 1970; 0 stands for always.
    var freshUntil: Int64
    /// When the server was asked last, nanoseconds since 1970.
    var checked: Int64

    static func createTable(_ database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.primaryKey("point", .text)
            table.column("image", .text).notNull().indexed()
                .references(ImageRecord.databaseTableName, onDelete: .cascade)
            table.column("entityTag", .text)
            table.column("freshUntil", .integer).notNull()
            table.column("checked", .integer).notNull()
        }
    }

    init(point: String, image: String, entityTag: String?, freshUntil: Int64, checked: Int64) {
        self.point = point
        self.image = image
        self.entityTag = entityTag
        self.freshUntil = freshUntil
        self.checked = checked
    }

    init(row: Row) {
        point = row["point"]
        image = row["image"]
        entityTag = row["entityTag"]
        freshUntil = row["freshUntil"]
        checked = row["checked"]
    }

    func encode(to container: inout PersistenceContainer) {
        container["point"] = point
        container["image"] = image
        container["entityTag"] = entityTag
        container["freshUntil"] = freshUntil
        container["checked"] = checked
    }
}
