// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An address of either family with a port, as sockets have it.
struct Address {
    private var storage = sockaddr_storage()
    private(set) var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    init?(_ text: String, port: UInt16) {
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if inet_pton(AF_INET, text, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            fill(with: v4)
        } else if inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            fill(with: v6)
        } else {
            return nil
        }
    }

    private init() {}

    private mutating func fill<Value>(with value: Value) {
        length = socklen_t(MemoryLayout<Value>.size)
        // SAFETY: the storage is large enough for addresses of all families.
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: value, as: Value.self) }
    }

    /// What a system call tells.
    ///
    /// - Parameter body: gets room for an address and its size, and returns what the call has returned.
    static func told<Result>(
        by body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> (Result, Address) {
        var address = Address()
        var length = address.length
        // SAFETY: the storage is large enough for addresses of all families, and its size is passed.
        let result = withUnsafeMutablePointer(to: &address.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
        address.length = length
        return (result, address)
    }

    /// For system calls that take an address.
    func with<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
        }
    }

    var family: CInt { CInt(storage.ss_family) }

    /// Without the port; an IPv4 address as one even where IPv6 carries it.
    var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // SAFETY: the storage is as large as addresses of either family.
        withUnsafeBytes(of: storage) { bytes in
            if family == AF_INET {
                var address = bytes.load(as: sockaddr_in.self).sin_addr
                inet_ntop(AF_INET, &address, &buffer, socklen_t(buffer.count))
            } else {
                var address = bytes.load(as: sockaddr_in6.self).sin6_addr
                inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count))
            }
        }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.hasPrefix("::ffff:") ? String(text.dropFirst("::ffff:".count)) : text
    }
}
