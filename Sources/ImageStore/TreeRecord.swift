// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// A row of the table `tree`: a rendered tree. It may outlive its image, as pods use it.
struct TreeRecord: FetchableRecord, PersistableRecord, TableRecord {
    static let databaseTableName = "tree"

    var id: String
    /// Full ID of the image it is the tree of.
    var image: String
    /// Apparent size in bytes.
    var size: Int64
    /// What stat(2) told about the tree when it was last seen to be intact; nil when that is not known.
    var stamp: String?

    static func addStamps(_ database: Database) throws {
        try database.alter(table: databaseTableName) { $0.add(column: "stamp", .text) }
    }

    static func createTable(_ database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.primaryKey("id", .text)
            table.column("image", .text).notNull().indexed()
            table.column("size", .integer).notNull()
        }
    }

    init(id: String, image: String, size: Int64, stamp: String? = nil) {
        self.id = id
        self.image = image
        self.size = size
        self.stamp = stamp
    }

    init(row: Row) {
        id = row["id"]
        image = row["image"]
        size = row["size"]
        stamp = row["stamp"]
    }

    func encode(to container: inout PersistenceContainer) {
        container["id"] = id
        container["image"] = image
        container["size"] = size
        container["stamp"] = stamp
    }
}
