// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ImageStore

/// What `image list` prints.
package enum ImageTable {
    package static func table(
        _ images: [StoredImage], _ fields: [ImageField], full: Bool, legend: Bool, now: Int64
    ) -> TabbedTable {
        var table = TabbedTable()
        if legend { table.append(fields.map(title)) }
        for image in images { table.append(fields.map { cell(image, $0, full: full, now: now) }) }
        return table
    }

    /// The keys stand in an order of their own, whichever columns are asked for.
    package static func object(_ image: StoredImage, _ fields: [ImageField]) -> JSONValue {
        let order: [ImageField] = [.id, .name, .importTime, .lastUsed, .size, .latest]
        return .object(JSONObject(order.filter(fields.contains).map { member(image, $0) }))
    }

    /// By the first field, where that is equal by the next, and so on.
    package static func sorted(
        _ images: [StoredImage], by fields: [ImageField], _ order: SortOrder
    ) -> [StoredImage] {
        let sorted = images.enumerated().sorted { left, right in
            for field in fields {
                switch compare(left.element, right.element, field) {
                case let difference where difference < 0: return order == .ascending
                case let difference where difference > 0: return order == .descending
                default: continue
                }
            }
            return left.offset < right.offset
        }
        return sorted.map(\.element)
    }

    /// Name and version as an image is asked for.
    package static func name(_ image: StoredImage) -> String {
        image.version.map { $0.isEmpty ? image.name : "\(image.name):\($0)" } ?? image.name
    }

    private static func size(_ image: StoredImage) -> Int64 { image.size + image.treeSize }

    private static func compare(_ left: StoredImage, _ right: StoredImage, _ field: ImageField) -> Int {
        func compare<T: Comparable>(_ left: T, _ right: T) -> Int { left < right ? -1 : left > right ? 1 : 0 }
        return switch field {
        case .id: compare(left.id.key, right.id.key)
        case .name: compare(name(left), name(right))
        case .size: compare(size(left), size(right))
        case .importTime: compare(left.importTime, right.importTime)
        case .lastUsed: compare(left.lastUsed, right.lastUsed)
        case .latest: compare(left.isLatest ? 1 : 0, right.isLatest ? 1 : 0)
        }
    }

    private static func title(_ field: ImageField) -> String {
        switch field {
        case .id: "ID"
        case .name: "NAME"
        case .size: "SIZE"
        case .importTime: "IMPORT TIME"
        case .lastUsed: "LAST USED"
        case .latest: "LATEST"
        }
    }

    private static func cell(_ image: StoredImage, _ field: ImageField, full: Bool, now: Int64) -> String {
        let time: (Int64) -> String = { full ? TimeText.absolute($0) : TimeText.relative($0, to: now) }
        return switch field {
        case .id: full ? image.id.key : image.id.short
        case .name: name(image)
        case .size: full ? String(size(image)) : SizeText.short(size(image))
        case .importTime: time(image.importTime)
        case .lastUsed: time(image.lastUsed)
        case .latest: String(image.isLatest)
        }
    }

    private static func member(_ image: StoredImage, _ field: ImageField) -> JSONObject.Member {
        switch field {
        case .id: .init(key: "id", value: .string(image.id.key))
        case .name: .init(key: "name", value: .string(name(image)))
        case .size: .init(key: "size", value: .number(String(size(image))))
        case .importTime: .init(key: "import_time", value: .number(String(image.importTime)))
        case .lastUsed: .init(key: "last_used_time", value: .number(String(image.lastUsed)))
        case .latest: .init(key: "latest", value: .bool(image.isLatest))
        }
    }
}
