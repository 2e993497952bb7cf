// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// Bytes on their way to a descriptor that must not be waited for.
struct Outbox {
    private(set) var bytes: [UInt8] = []
    private var start = 0
    /// A byte that goes out twice, where the way to the reader asks for it (`MachineDescriptors.portEscape`).
    private let doubled: UInt8?

    init(doubling doubled: UInt8? = nil) { self.doubled = doubled }

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: some Collection<UInt8>) {
        guard let doubled else { return bytes.append(contentsOf: more) }
        for byte in more {
            bytes.append(byte)
            if byte == doubled { bytes.append(byte) }
        }
    }

    mutating func clear() {
        bytes = []
        start = 0
    }

    enum Result { case written(Int), closed }

    /// Writes what the descriptor takes in one call.
    ///
    /// - Parameter most: for a blocking descriptor that poll(2) calls writable, a size that it takes at once.
    mutating func flush(to descriptor: FileDescriptor, most: Int = 32 << 10) -> Result {
        flush(most: most) { write(descriptor.rawValue, $0, $1) }
    }

    /// The same through another call than write(2).
    mutating func flush(most: Int = 32 << 10, through call: (UnsafeRawPointer?, Int) -> Int) -> Result {
        guard !isEmpty else { return .written(0) }
        // SAFETY: start is below count, so the pointer stays inside the array.
        let count = bytes.withUnsafeBytes { buffer in
            call(buffer.baseAddress?.advanced(by: start), min(buffer.count - start, most))
        }
        if count < 0 { return lastErrno == .wouldBlock || lastErrno == .interrupted ? .written(0) : .closed }
        start += count
        if start == bytes.count {
            clear()
        } else if start > 64 << 10 {
            bytes.removeFirst(start)
            start = 0
        }
        return .written(count)
    }
}

extension FileDescriptor {
    enum ReadResult { case bytes([UInt8]), nothing, end }

    /// Reads what is there, without waiting on a non-blocking descriptor.
    ///
    /// Never inlined: where the bytes are not used, the optimizer of Swift 6.3 frees their array before it fills it.
    @inline(never)
    func readAvailable(most: Int = 32 << 10) -> ReadResult {
        var buffer = [UInt8](repeating: 0, count: most)
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = buffer.withUnsafeMutableBytes { Glibc.read(rawValue, $0.baseAddress, $0.count) }
        if count < 0 { return lastErrno == .wouldBlock || lastErrno == .interrupted ? .nothing : .end }
        return count == 0 ? .end : .bytes(Array(buffer[..<count]))
    }
}
