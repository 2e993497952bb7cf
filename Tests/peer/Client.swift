// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Asks a server until it answers or the time is over.
struct Client {
    let address: Address
    let type: __socket_type
    /// In seconds.
    let patience: Int

    /// A question or an answer that is lost is asked for again after this time.
    private static let interval = 2000

    func ask() -> String? {
        let deadline = Self.milliseconds + patience * 1000
        while Self.milliseconds < deadline {
            if let answer = attempt(until: min(deadline, Self.milliseconds + Self.interval)) { return answer }
            usleep(50_000)
        }
        return nil
    }

    private func attempt(until deadline: Int) -> String? {
        let number = socket(address.family, CInt(type.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { return nil }
        defer { close(number) }
        guard address.with({ connect(number, $0, address.length) }) == 0 || errno == EINPROGRESS else { return nil }
        if type == SOCK_DGRAM, send(number, "?", 1, 0) != 1 { return nil }
        var answer: [UInt8] = []
        while answer.last != UInt8(ascii: "\n") {
            var waiting = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            let rest = deadline - Self.milliseconds
            guard rest > 0, poll(&waiting, 1, CInt(rest)) == 1 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = recv(number, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            answer += buffer[..<count]
        }
        return String(decoding: answer.dropLast(), as: UTF8.self)
    }

    private static var milliseconds: Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}
