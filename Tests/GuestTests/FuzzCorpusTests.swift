// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Guest
import GuestProtocol
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Replays what fuzzing has found; a trap ends the whole run.
struct FuzzCorpusTests {
    @Test func framesAreRefusedOrReadTheSameAgain() throws {
        var messages = 0
        for (name, bytes) in try FuzzCorpus.inputs("frames") {
            var decoder = FrameDecoder()
            decoder.append(bytes)
            while let frame = try? decoder.next() {
                if let message = try? GuestMessage(frame) {
                    messages += 1
                    #expect(try GuestMessage(message.frame) == message, "\(name)")
                }
                if let message = try? HostMessage(frame) {
                    messages += 1
                    #expect(try HostMessage(message.frame) == message, "\(name)")
                }
                _ = try? PodConfiguration(decoding: frame.payload)
                _ = try? LiveApp(decoding: frame.payload)
                _ = try? PodConfiguration.App(decoding: frame.payload)
            }
        }
        #expect(messages > 0)
    }

    @Test func journalsHoldNoMoreEntriesThanTheyHaveRoomFor() throws {
        let scratch = try ScratchDirectory()
        var entries = 0
        for (name, bytes) in try FuzzCorpus.inputs("journal") {
            let path = scratch.appending("journal")
            try FileSystem.write(bytes, to: path)
            guard let journal = try JournalFile(path) else { continue }
            var count = 0
            while journal.next() != nil { count += 1 }
            #expect(count <= bytes.count / 64, "\(name)")
            entries += count
        }
        #expect(entries > 0)
    }
}
