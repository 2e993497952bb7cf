// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol

/// A client's share of an app's streams: its place in each of them, and its input that has not been passed on.
final class Attachment {
    enum Input {
        case bytes([UInt8])
        case end
    }

    let streams: AppStreams
    let targets: AttachTargets
    /// Position of the next byte of each stream that the client is to get.
    var places: [(stream: GuestMessage.Stream, position: Int)] = []
    var input = Queue<Input>()

    /// Begins where whoever comes now does.
    init(_ streams: AppStreams, _ targets: AttachTargets) {
        self.streams = streams
        self.targets = targets
        for (target, stream) in [
            (AttachTargets.stdout, GuestMessage.Stream.output), (.stderr, .error), (.terminalOutput, .terminal),
        ] where targets.contains(target) {
            if let ring = streams.rings[stream] { places.append((stream, ring.historyStart)) }
        }
    }

    /// Whether the client has all that there is.
    var isComplete: Bool { places.allSatisfy { $0.position == streams.rings[$0.stream]?.end } }

    /// Takes the client's next bytes out of the streams.
    ///
    /// - Parameters:
    ///   - room: how many bytes the client can take.
    ///   - gap: called with the number of bytes that are lost to the client.
    ///   - deliver: called with bytes.
    func advance(
        room: () -> Int, gap: (GuestMessage.Stream, Int) -> Void, deliver: (GuestMessage.Stream, [UInt8]) -> Void
    ) {
        var moved = true
        while moved {
            moved = false
            // In turn, so that none waits for another's end.
            for index in places.indices {
                let (stream, position) = places[index]
                guard room() > 0, let ring = streams.rings[stream], position < ring.end else { continue }
                let from = max(position, ring.start)
                if from > position { gap(stream, from - position) }
                let bytes = ring.read(from: from, most: min(room(), Self.piece))
                places[index].position = from + bytes.count
                deliver(stream, bytes)
                moved = true
            }
        }
    }

    private static let piece = 16 << 10
}
