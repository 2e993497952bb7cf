// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Someone on a network: a server that tells who is asking, and its client.
//
// usage: network-peer serve PORT NAME
//        network-peer ask tcp|udp ADDRESS PORT SECONDS
//
// `serve` prints `serving` once it does, by TCP and UDP and by IPv4 and IPv6. `ask` prints the answer, which is
// `NAME ADDRESS`; without one its status is 1.

@preconcurrency import Glibc

setvbuf(stdout, nil, _IOLBF, 0)
let arguments = CommandLine.arguments.dropFirst().map { $0 }
switch arguments.first {
case "serve" where arguments.count == 3:
    guard let port = UInt16(arguments[1]), let server = Server(port: port, name: arguments[2]) else {
        perror("network-peer: port \(arguments[1])")
        exit(100)
    }
    print("serving")
    server.serve()
case "ask" where arguments.count == 5:
    let types = ["tcp": SOCK_STREAM, "udp": SOCK_DGRAM]
    guard let type = types[arguments[1]], let port = UInt16(arguments[3]), let seconds = Int(arguments[4]),
        let address = Address(arguments[2], port: port)
    else { fallthrough }
    guard let answer = Client(address: address, type: type, patience: seconds).ask() else {
        fputs("network-peer: no answer\n", stderr)
        exit(1)
    }
    print(answer)
default:
    fputs("usage: network-peer serve PORT NAME | ask tcp|udp ADDRESS PORT SECONDS\n", stderr)
    exit(64)
}
