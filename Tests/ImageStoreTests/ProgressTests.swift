// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageStore
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

struct ProgressTests {
    /// Keeps what it hears: one text for each step, and the numbers.
    private final class Listener: Sendable {
        private let heard = Mutex((steps: [String](), numbers: [Int64](), totals: Set<Int64?>(), ends: 0))

        var progress: Progress {
            Progress(
                report: { [self] step, done, total in
                    heard.withLock {
                        if $0.steps.last != step { $0.steps.append(step) }
                        $0.numbers.append(done)
                        $0.totals.insert(total)
                    }
                },
                end: { [self] in heard.withLock { $0.ends += 1 } })
        }

        /// What was heard since the last call.
        func take() -> (steps: [String], numbers: [Int64], totals: Set<Int64?>, ends: Int) {
            heard.withLock { heard in
                defer { heard = ([], [], [], 0) }
                return heard
            }
        }
    }

    private let fixture: StoreFixture
    private let listener = Listener()
    private let store: ImageStore

    init() throws {
        fixture = try StoreFixture()
        store = try ImageStore(dataDirectory: fixture.scratch.appending("data"), progress: listener.progress)
    }

    @Test func importingAndRenderingAreFollowedToTheEnd() throws {
        let path = try fixture.file("example.com/large") {
            $0.add("rootfs/file", String(repeating: "x", count: 1_500_000))
        }
        let size = try FileSystem.status(path).size
        let image = try store.importImage(at: path)
        for step in ["importing image.aci", "rendering example.com/large"] {
            if step.hasPrefix("rendering") { _ = try store.rendered(image) }
            let heard = listener.take()
            #expect(heard.steps == [step])
            #expect(heard.numbers.first == 0 && heard.numbers.last == size)
            #expect(heard.numbers == heard.numbers.sorted() && Set(heard.numbers).count > 4)
            #expect(heard.totals == [size])
            #expect(heard.ends == 1)
        }
        _ = try store.rendered(image)
        #expect(listener.take().steps == [])
    }

    @Test func aPipeHasNoTotal() throws {
        let ends = try FileDescriptor.pipe(options: .closeOnExec)
        var tar = TarFixture.image()
        tar.add("rootfs/file", "x")
        try ends.writeEnd.writeAll(tar.bytes())
        try ends.writeEnd.close()
        defer { try? ends.readEnd.close() }
        _ = try store.importImage(from: ends.readEnd, name: "input")
        let heard = listener.take()
        #expect(heard.steps == ["importing input"] && heard.totals == [nil])
        #expect(heard.numbers.last == Int64(tar.bytes().count))
    }

    @Test func aFailedImportEndsItsStep() throws {
        let path = fixture.scratch.appending("broken.aci")
        try FileSystem.write("no archive".utf8, to: path)
        #expect(throws: RuntimeError.self) { try store.importImage(at: path) }
        #expect(listener.take().ends == 1)
    }
}
