// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import GRDB

/// A row of the table `image`.
struct ImageRecord: FetchableRecord, PersistableRecord, TableRecord {
    static let databaseTableName = "image"

    enum Columns {
        static let id = Column("id")
        static let name = Column("name")
        static let labels = Column("labels")
        static let size = Column("size")
        static let importTime = Column("importTime")
        static let lastUsed = Column("lastUsed")
        static let isLatest = Column("isLatest")
        /// All but the manifest, which is the largest and seldom wanted.
        static let summary = [id, name, labels, size, importTime, lastUsed, isLatest]
    }

    /// The full ID, of which the store's key is the beginning.
    var id: String
    var name: String
    /// The labels as a JSON list of names and values in turn; ``labels(from:)`` reads it.
    var encodedLabels: String
    /// The manifest as it stands in the archive; JSON is text. Nil when a query has left it out.
    var manifest: String?
    var size: Int64
    var importTime: Int64
    var lastUsed: Int64
    /// Whether it was once fetched without asking for a version.
    var isLatest: Bool

    static func createTable(_ database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.primaryKey("id", .text)
            table.column("name", .text).notNull().indexed()
            table.column("labels", .text).notNull()
            table.column("manifest", .text).notNull()
            table.column("size", .integer).notNull()
            table.column("importTime", .integer).notNull()
            table.column("lastUsed", .integer).notNull()
            table.column("isLatest", .boolean).notNull()
        }
    }

    init(
        id: String, name: String, labels: Labels, manifest: String, size: Int64, importTime: Int64, lastUsed: Int64,
        isLatest: Bool
    ) {
        self.id = id
        self.name = name
        encodedLabels = ImageRecord.text(of: labels)
        self.manifest = manifest
        self.size = size
        self.importTime = importTime
        self.lastUsed = lastUsed
        self.isLatest = isLatest
    }

    init(row: Row) throws {
        id = row["id"]
        name = row["name"]
        encodedLabels = row["labels"]
        manifest = row["manifest"]
        size = row["size"]
        importTime = row["importTime"]
        lastUsed = row["lastUsed"]
        isLatest = row["isLatest"]
    }

    func encode(to container: inout PersistenceContainer) {
        container["id"] = id
        container["name"] = name
        container["labels"] = encodedLabels
        container["manifest"] = manifest
        container["size"] = size
        container["importTime"] = importTime
        container["lastUsed"] = lastUsed
        container["isLatest"] = isLatest
    }

    /// The record as the rest of the program sees it.
    ///
    /// - Parameter labels: those that `encodedLabels` holds.
    func image(labels: Labels, treeSize: Int64) throws -> StoredImage {
        let fullID = try ImageID(parsing: id)
        return StoredImage(
            id: fullID.keyOnly, fullID: fullID, name: name, labels: labels, importTime: importTime,
            lastUsed: lastUsed, size: size, treeSize: treeSize, isLatest: isLatest)
    }

    private static func text(of labels: Labels) -> String {
        JSONValue.array(labels.flatMap { [.string($0.name.string), .string($0.value)] }).encoded()
    }

    /// Reads what `encodedLabels` holds.
    static func labels(from text: String) throws -> Labels {
        let texts = try JSONValue(parsing: text.utf8).array?.compactMap(\.string) ?? []
        return Labels(
            try stride(from: 0, to: texts.count - 1, by: 2).map { index in
                Label(name: try ACIdentifier(parsing: texts[index]), value: texts[index + 1])
            })
    }
}
