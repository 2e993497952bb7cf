// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// The same numbers from the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Does random things to one file, and keeps what it has to hold.
struct RandomFile {
    private let seed: UInt64
    /// Whether the file is read and written by mappings, too.
    private let maps: Bool
    private var generator: SeededGenerator
    /// What the file has to hold.
    private var model: [UInt8] = []

    private static let most = 200_000
    private static let longest = 30_000

    init(seed: UInt64, maps: Bool) {
        self.seed = seed
        self.maps = maps
        generator = SeededGenerator(seed: seed)
    }

    func run(_ steps: Int) throws {
        var copy = self
        try copy.go(steps)
    }

    private mutating func go(_ steps: Int) throws {
        var file = try File("file", O_CREAT | O_EXCL | O_RDWR)
        for step in 0..<steps {
            var what = ""
            do {
                switch Int.random(in: 0..<(maps ? 12 : 8), using: &generator) {
                case 0, 1: what = try write(file)
                case 2, 3: what = try read(file)
                case 4: what = try truncate(file)
                case 5: what = try append(file)
                case 6:
                    what = "opening it again"
                    file.close()
                    file = try File("file", O_RDWR)
                case 7:
                    what = "fsync"
                    try call(what, fsync(file.descriptor))
                case 8, 9: what = try mapAndRead(file)
                default: what = try mapAndWrite(file)
                }
                try expect("the size", try file.status().st_size, model.count)
            } catch let error as Unfulfilled {
                throw Unfulfilled("seed \(seed), step \(step), \(what): \(error.text)")
            }
        }
        try compare(try File("file", O_RDONLY).bytes(Self.most + 1), at: 0, "the whole file")
    }

    /// A place in the file, perhaps one that begins or ends with a page.
    private mutating func place(upTo end: Int) -> Range<Int> {
        var start = Int.random(in: 0...max(0, end), using: &generator)
        var length = Int.random(in: 1...Self.longest, using: &generator)
        if Int.random(in: 0..<4, using: &generator) == 0 { start &= ~4095 }
        if Int.random(in: 0..<4, using: &generator) == 0 { length = max(1, (length & ~4095) - start % 4096) }
        return start..<min(start + max(1, length), Self.most)
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        let first = UInt8.random(in: 0...255, using: &generator)
        return (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0 &* 7) }
    }

    private mutating func store(_ bytes: [UInt8], at start: Int) {
        if model.count < start + bytes.count {
            model += [UInt8](repeating: 0, count: start + bytes.count - model.count)
        }
        model.replaceSubrange(start..<start + bytes.count, with: bytes)
    }

    private func compare(_ bytes: [UInt8], at start: Int, _ what: String) throws {
        let end = min(start + bytes.count, model.count)
        guard start + bytes.count <= model.count, bytes[...] == model[start..<end] else {
            let wrong = zip(bytes, model[min(start, model.count)...]).enumerated().first { $1.0 != $1.1 }?.offset
            throw Unfulfilled("\(what) differs at \(wrong.map { "\(start + $0)" } ?? "its end"), of \(model.count)")
        }
    }

    private mutating func write(_ file: File) throws -> String {
        let place = place(upTo: Self.most - 1)
        let bytes = bytes(place.count)
        let count = try call("pwrite", pwrite(file.descriptor, bytes, bytes.count, place.lowerBound))
        try expect("what was written", count, bytes.count)
        store(bytes, at: place.lowerBound)
        return "writing \(place)"
    }

    private mutating func append(_ file: File) throws -> String {
        let bytes = bytes(min(Self.most - model.count, Int.random(in: 1...5000, using: &generator)))
        let appending = try File("file", O_WRONLY | O_APPEND)
        if !bytes.isEmpty { try appending.write(bytes) }
        appending.close()
        store(bytes, at: model.count)
        return "appending \(bytes.count)"
    }

    private mutating func read(_ file: File) throws -> String {
        let place = place(upTo: model.count)
        let bytes = try file.bytes(place.count, at: place.lowerBound)
        try expect("how much is read", bytes.count, max(0, min(place.upperBound, model.count) - place.lowerBound))
        try compare(bytes, at: place.lowerBound, "what is read of \(place)")
        return "reading \(place)"
    }

    private mutating func truncate(_ file: File) throws -> String {
        let size = Int.random(in: 0...Self.most, using: &generator)
        try call("ftruncate", ftruncate(file.descriptor, size))
        if size < model.count {
            model.removeSubrange(size...)
        } else {
            model += [UInt8](repeating: 0, count: size - model.count)
        }
        return "truncating to \(size)"
    }

    private mutating func mapAndRead(_ file: File) throws -> String {
        guard !model.isEmpty else { return "mapping nothing" }
        let memory = try file.map(model.count, PROT_READ)
        defer { munmap(memory, model.count) }
        let place = place(upTo: model.count - 1).clamped(to: 0..<model.count)
        let bytes = [UInt8](UnsafeRawBufferPointer(start: memory + place.lowerBound, count: place.count))
        try compare(bytes, at: place.lowerBound, "the mapping of \(place)")
        return "reading by mapping \(place)"
    }

    private mutating func mapAndWrite(_ file: File) throws -> String {
        guard !model.isEmpty else { return "mapping nothing" }
        let memory = try file.map(model.count)
        defer { munmap(memory, model.count) }
        let place = place(upTo: model.count - 1).clamped(to: 0..<model.count)
        let bytes = bytes(place.count)
        (memory + place.lowerBound).copyMemory(from: bytes, byteCount: bytes.count)
        // A file system that keeps mappings apart from read(2) must join them here at the latest.
        try call("msync", msync(memory, model.count, MS_SYNC))
        store(bytes, at: place.lowerBound)
        return "writing by mapping \(place)"
    }
}
