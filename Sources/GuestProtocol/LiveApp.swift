// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// An app on its way into a mutable pod that runs: what an immutable pod has of it in its configuration.
package struct LiveApp: Equatable, Sendable {
    /// Most bytes of an encoded one.
    package static let limit = 1 << 20
    /// Most files.
    package static let mostFiles = 16

    package var app: PodConfiguration.App
    /// The app's units, below `/run/systemd/system`.
    package var files: [PodConfiguration.File]

    package init(app: PodConfiguration.App, files: [PodConfiguration.File]) {
        self.app = app
        self.files = files
    }

    package var encoded: [UInt8] {
        var writer = FieldWriter()
        writer.write(app.encoded)
        writer.write(list: files) { writer, file in file.write(to: &writer) }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(ProtocolError) {
        guard bytes.count <= Self.limit else { throw .malformed("an app of more than \(Self.limit) bytes") }
        var reader = FieldReader(bytes)
        app = try PodConfiguration.App(decoding: try reader.readBytes())
        files = try reader.readList(limit: Self.mostFiles) { reader throws(ProtocolError) in
            try PodConfiguration.File(from: &reader)
        }
        try reader.finish()
    }

    /// What adds this to a pod: the parts, in frames that every connection takes, and the word that they are complete.
    package func messages(request: UInt32) -> [HostMessage] { Self.messages(encoded, request: request) }

    package static func messages(_ encoded: [UInt8], request: UInt32) -> [HostMessage] {
        stride(from: 0, to: encoded.count, by: partLimit).map { start in
            .appPart(request: request, Array(encoded[start..<min(start + partLimit, encoded.count)]))
        } + [.addApp(request: request)]
    }

    private static let partLimit = 32 << 10
}

/// The parts of an app that have come so far.
package struct LiveAppParts: Equatable, Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ part: [UInt8]) throws(ProtocolError) {
        // A frame that costs nothing could be sent without end.
        guard !part.isEmpty else { throw .malformed("a part of an app without bytes") }
        guard bytes.count + part.count <= LiveApp.limit else {
            throw .malformed("an app of more than \(LiveApp.limit) bytes")
        }
        bytes += part
    }
}
