// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

struct LiveAppTests {
    static let sample = LiveApp(
        app: .init(name: "web", root: "/opt/stage2/.live/3", exec: ["/bin/web"]),
        files: [
            .init(path: "/run/systemd/system/web.service", content: .text("[Unit]\n")),
            .init(path: "/run/systemd/system/reaper-web.service", content: .text("")),
        ])

    @Test func anAppArrivesAsItWasSent() throws {
        var large = Self.sample
        large.app.environment = [String(repeating: "A", count: 200_000)]
        var parts = LiveAppParts()
        let messages = large.messages(request: 4)
        for message in messages.dropLast() {
            guard case .appPart(request: 4, let bytes) = message else {
                Issue.record("\(message)")
                continue
            }
            #expect(message.frame.payload.count <= Frame.payloadLimit)
            try parts.append(bytes)
        }
        #expect(messages.last == .addApp(request: 4))
        #expect(try LiveApp(decoding: parts.bytes) == large)
    }

    @Test func everyCutIsRefused() {
        let bytes = Self.sample.encoded
        for length in bytes.indices {
            #expect(throws: ProtocolError.self) { try LiveApp(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: ProtocolError.self) { try LiveApp(decoding: bytes + [0]) }
    }

    @Test func anAppHasABound() throws {
        var parts = LiveAppParts()
        #expect(throws: ProtocolError.self) { try parts.append([]) }
        try parts.append([UInt8](repeating: 0, count: LiveApp.limit))
        #expect(throws: ProtocolError.self) { try parts.append([0]) }
        var files = Self.sample
        files.files = [PodConfiguration.File](repeating: files.files[0], count: LiveApp.mostFiles + 1)
        #expect(throws: ProtocolError.self) { try LiveApp(decoding: files.encoded) }
    }
}
