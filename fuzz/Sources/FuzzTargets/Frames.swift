// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol

/// Cuts a stream into frames and reads each as a message of either side; what is accepted is written as it was.
@_cdecl("rkt_fuzz_frames")
package func fuzzFrames(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    // SAFETY: libFuzzer passes `count` readable bytes.
    let stream = Array(UnsafeBufferPointer(start: bytes, count: count))
    let whole = frames(of: [stream[...]])
    let halves = frames(of: [stream[..<(count / 3)], stream[(count / 3)...]])
    precondition(whole == halves, "how a stream is cut changes its frames")
    for frame in whole {
        if let message = try? GuestMessage(frame) { precondition((try? GuestMessage(message.frame)) == message) }
        if let message = try? HostMessage(frame) { precondition((try? HostMessage(message.frame)) == message) }
        if let pod = try? PodConfiguration(decoding: frame.payload) {
            precondition((try? PodConfiguration(decoding: pod.encoded)) == pod)
        }
        if let live = try? LiveApp(decoding: frame.payload) {
            precondition((try? LiveApp(decoding: live.encoded)) == live)
        }
        if let app = try? PodConfiguration.App(decoding: frame.payload) {
            precondition((try? PodConfiguration.App(decoding: app.encoded)) == app)
        }
    }
}

private func frames(of parts: [ArraySlice<UInt8>]) -> [Frame] {
    var decoder = FrameDecoder()
    var frames: [Frame] = []
    for part in parts {
        decoder.append(part)
        while let frame = try? decoder.next() { frames.append(frame) }
    }
    return frames
}
