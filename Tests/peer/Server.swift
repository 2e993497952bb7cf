// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Tells whoever comes by TCP or UDP its name, and the address that they come from.
struct Server {
    let name: String
    private let streams: CInt
    private let datagrams: CInt

    init?(port: UInt16, name: String) {
        self.name = name
        guard let any = Address("::", port: port) else { return nil }
        func bound(_ type: __socket_type) -> CInt {
            let number = socket(AF_INET6, CInt(type.rawValue), 0)
            var on: CInt = 1
            var off: CInt = 0
            let size = socklen_t(MemoryLayout<CInt>.size)
            setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, size)
            setsockopt(number, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &off, size)
            return any.with { bind(number, $0, any.length) } == 0 ? number : -1
        }
        streams = bound(SOCK_STREAM)
        datagrams = bound(SOCK_DGRAM)
        guard streams >= 0, datagrams >= 0, listen(streams, 64) == 0 else { return nil }
    }

    func serve() {
        while true {
            var waiting = [streams, datagrams].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&waiting, 2, -1)
            if waiting[0].revents != 0 { answerStream() }
            if waiting[1].revents != 0 { answerDatagram() }
        }
    }

    private func answer(_ peer: Address) -> [UInt8] { Array("\(name) \(peer.text)\n".utf8) }

    private func answerStream() {
        let (connection, peer) = Address.told { accept(streams, $0, $1) }
        guard connection >= 0 else { return }
        let bytes = answer(peer)
        send(connection, bytes, bytes.count, CInt(MSG_NOSIGNAL))
        close(connection)
    }

    private func answerDatagram() {
        var buffer = [UInt8](repeating: 0, count: 64)
        let (count, peer) = Address.told { recvfrom(datagrams, &buffer, buffer.count, 0, $0, $1) }
        guard count >= 0 else { return }
        let bytes = answer(peer)
        _ = peer.with { sendto(datagrams, bytes, bytes.count, 0, $0, peer.length) }
    }
}
