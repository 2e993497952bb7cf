// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import LinuxPlatform
import SystemPackage

/// A row of the table `source`: a file as it was when it was last imported.
struct SourceRecord: FetchableRecord, PersistableRecord, TableRecord, Equatable {
    static let databaseTableName = "source"

    /// Absolute path.
    var path: String
    var device: Int64
    var inode: Int64
    var size: Int64
    var modificationTime: Int64
    var changeTime: Int64
    /// Full ID of the image that came of it.
    var image: String

    static func createTable(_ database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.primaryKey("path", .text)
            table.column("device", .integer).notNull()
            table.column("inode", .integer).notNull()
            table.column("size", .integer).notNull()
            table.column("modificationTime", .integer).notNull()
            table.column("changeTime", .integer).notNull()
            table.column("image", .text).notNull().references(ImageRecord.databaseTableName, onDelete: .cascade)
        }
    }

    init(path: FilePath, status: FileStatus, image: String) {
        self.path = path.string
        device = Int64(bitPattern: status.device)
        inode = Int64(bitPattern: status.inode)
        size = status.size
        modificationTime = status.modificationTime
        changeTime = status.changeTime
        self.image = image
    }

    init(row: Row) {
        path = row["path"]
        device = row["device"]
        inode = row["inode"]
        size = row["size"]
        modificationTime = row["modificationTime"]
        changeTime = row["changeTime"]
        image = row["image"]
    }

    func encode(to container: inout PersistenceContainer) {
        container["path"] = path
        container["device"] = device
        container["inode"] = inode
        container["size"] = size
        container["modificationTime"] = modificationTime
        container["changeTime"] = changeTime
        container["image"] = image
    }
}
