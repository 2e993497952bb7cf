// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc

/// Asks a metadata service: HTTP/1.1 over one connection for each request, an IPv4 address and a port.
struct MetadataClient {
    struct Answer {
        let status: Int
        let type: String
        let body: String
    }

    private let address: String
    private let port: UInt16
    /// The path of the URL, without a slash at its end.
    private let path: String

    /// How long the specification's validator waits, in milliseconds.
    private static let patience = 100
    /// A machine that is emulated on a busy host may miss an answer.
    private static let attempts = 10

    /// Reads `http://ADDRESS:PORT/PATH`.
    init?(_ url: String) {
        let scheme = "http://"
        guard url.hasPrefix(scheme) else { return nil }
        let parts = url.dropFirst(scheme.count).split(separator: "/", maxSplits: 1)
        let host = parts.first?.split(separator: ":") ?? []
        guard parts.count == 2, host.count == 2, let port = UInt16(host[1]) else { return nil }
        address = String(host[0])
        self.port = port
        path = "/" + parts[1]
    }

    func get(_ path: String) -> Answer? { ask("GET", path, nil) }

    func post(_ path: String, _ form: [(String, String)]) -> Answer? {
        ask("POST", path, form.map { "\($0.0)=\(MetadataClient.escape($0.1))" }.joined(separator: "&"))
    }

    private func ask(_ method: String, _ path: String, _ form: String?) -> Answer? {
        var lines = [
            "\(method) \(self.path)/acMetadata/v1\(path) HTTP/1.1", "Host: \(address)",
            "Metadata-Flavor: AppContainer", "Connection: close",
        ]
        if let form {
            lines += ["Content-Type: application/x-www-form-urlencoded", "Content-Length: \(form.utf8.count)"]
        }
        let request = lines.joined(separator: "\r\n") + "\r\n\r\n" + (form ?? "")
        // What is verified is used up: it is asked once.
        for _ in 0..<(path.hasSuffix("/verify") ? 1 : MetadataClient.attempts) {
            if let answer = exchange(Array(request.utf8)).flatMap(MetadataClient.answer) { return answer }
        }
        return nil
    }

    private static func escape(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                String(UnicodeScalar(byte))
            default: "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
        }.joined()
    }

    private static func answer(_ bytes: [UInt8]) -> Answer? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= 4, let end = (4...bytes.count).first(where: { bytes[($0 - 4)..<$0].elementsEqual(mark) })
        else { return nil }
        let head = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        guard let words = head.first?.split(separator: " "), words.count >= 2, let status = Int(words[1]) else {
            return nil
        }
        func field(_ name: String) -> String? {
            let line = head.first { $0.lowercased().hasPrefix(name + ": ") }
            return line.map { String($0.dropFirst(name.count + 2)) }
        }
        let body = Array(bytes[end...])
        // It is all there.
        guard field("content-length").flatMap({ Int($0) }) == body.count else { return nil }
        return Answer(status: status, type: field("content-type") ?? "", body: String(decoding: body, as: UTF8.self))
    }

    private func exchange(_ request: [UInt8]) -> [UInt8]? {
        let number = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { return nil }
        defer { close(number) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else { return nil }
        let deadline = MetadataClient.milliseconds + MetadataClient.patience
        let connected = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 || errno == EINPROGRESS, wait(number, POLLOUT, deadline),
            send(number, request, request.count, CInt(MSG_NOSIGNAL)) == request.count
        else { return nil }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while wait(number, POLLIN, deadline) {
            let count = recv(number, &buffer, buffer.count, 0)
            guard count >= 0 else { return nil }
            guard count > 0 else { return answer }
            answer += buffer[..<count]
        }
        return nil
    }

    private func wait(_ number: CInt, _ events: CInt, _ deadline: Int) -> Bool {
        var waiting = pollfd(fd: number, events: Int16(events), revents: 0)
        let rest = deadline - MetadataClient.milliseconds
        return rest > 0 && poll(&waiting, 1, CInt(rest)) == 1
    }

    private static var milliseconds: Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}
