// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

/// The volumes of the host that a pod has got while it runs, by their names: `live-volumes.json` of its directory.
package struct LiveVolumes: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case directory, file
    }

    package struct Place: Sendable, Equatable {
        package let place: Int
        package let kind: Kind
        /// Whether nobody in the pod can write, whatever app has it.
        package let isReadOnly: Bool

        package init(place: Int, kind: Kind, isReadOnly: Bool) {
            self.place = place
            self.kind = kind
            self.isReadOnly = isReadOnly
        }
    }

    package var places: [String: Place] = [:]

    package init() {}

    /// - Throws: when the file cannot be understood; a pod without one has no such volumes.
    package init(reading layout: PodLayout) throws {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(layout.liveVolumes, limit: 4 << 20)
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
        let broken = RuntimeError(
            .invalidState, "\(layout.liveVolumes) does not hold the volumes of a pod; remove the pod")
        guard let members = (try? JSONValue(parsing: bytes))?.object?.members else { throw broken }
        for member in members {
            guard let place = member.value["place"]?.int, place > 0,
                let kind = member.value["kind"]?.string.flatMap(Kind.init(rawValue:))
            else { throw broken }
            let isReadOnly = member.value["readOnly"] == .bool(true)
            places[member.key] = Place(place: place, kind: kind, isReadOnly: isReadOnly)
        }
    }

    package func write(to layout: PodLayout) throws {
        let members = places.sorted { $0.key < $1.key }.map { name, place in
            var object = JSONObject()
            object.set("place", JSONValue(place.place))
            object.set("kind", .string(place.kind.rawValue))
            if place.isReadOnly { object.set("readOnly", .bool(true)) }
            return JSONObject.Member(key: name, value: .object(object))
        }
        let text = JSONValue.object(JSONObject(members)).encoded(pretty: false) + "\n"
        try FileSystem.writeAtomically(text.utf8, to: layout.liveVolumes)
    }
}
