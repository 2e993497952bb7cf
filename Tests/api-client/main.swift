// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Calls the API service: a method by its name, its request and its responses as JSON, one response on a line.
//
// usage: api-client [--address=HOST:PORT|unix:PATH] [--count=N] [--repeat=N] METHOD [REQUEST]
//
// The address is localhost:15441 unless told. Streams end with the service, or after N responses with --count. With
// --repeat a call is made N times and the microseconds of each are printed in place of its responses. What fails is told on
// standard error as `CODE: MESSAGE`, status 1; `listening` is told there once a stream has begun.

@preconcurrency import Glibc
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import RktAPI
import SwiftProtobuf

struct Usage: Error {
    let text: String
}

/// What the command line says.
struct Call {
    var address = "localhost:15441"
    var count = Int.max
    var repeats = 0
    var method = ""
    var request = "{}"

    init(_ arguments: [String]) throws {
        var words: [String] = []
        for argument in arguments {
            let value = argument.split(separator: "=", maxSplits: 1).last.map(String.init) ?? ""
            if argument.hasPrefix("--address=") {
                address = value
            } else if argument.hasPrefix("--count="), let number = Int(value), number > 0 {
                count = number
            } else if argument.hasPrefix("--repeat="), let number = Int(value), number > 0 {
                repeats = number
            } else if argument.hasPrefix("--") {
                throw Usage(text: "unknown flag \(argument)")
            } else {
                words.append(argument)
            }
        }
        guard (1...2).contains(words.count) else {
            throw Usage(
                text: "usage: api-client [--address=HOST:PORT|unix:PATH] [--count=N] [--repeat=N] METHOD [REQUEST]")
        }
        method = words[0]
        if words.count == 2 { request = words[1] }
    }

    func transport() throws -> HTTP2ClientTransport.Posix {
        if address.hasPrefix("unix:") {
            return try HTTP2ClientTransport.Posix(
                target: .unixDomainSocket(path: String(address.dropFirst("unix:".count))), transportSecurity: .plaintext
            )
        }
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]) else {
            throw Usage(text: "\(address) is not HOST:PORT or unix:PATH")
        }
        let host = address[..<colon].filter { $0 != "[" && $0 != "]" }
        return try HTTP2ClientTransport.Posix(
            target: .dns(host: host, port: port), transportSecurity: .plaintext)
    }

    var options: CallOptions {
        var options = CallOptions.defaults
        options.maxResponseMessageBytes = 1 << 30
        return options
    }

    func message<Request: Message & Sendable>(_ type: Request.Type) throws -> ClientRequest<Request> {
        ClientRequest(message: try Request(jsonString: request))
    }
}

/// The fields by their names in the proto.
@Sendable func json(_ message: some Message) throws -> String {
    var options = JSONEncodingOptions()
    options.preserveProtoFieldNames = true
    return try message.jsonString(options: options)
}

@Sendable func show(_ text: String) {
    print(text)
    fflush(stdout)
}

func tell(_ text: String) { fputs(text + "\n", stderr) }

func microseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
}

/// Makes a call whose response is one message.
func unary<Response: Message>(_ call: Call, _ body: () async throws -> Response) async throws {
    guard call.repeats > 0 else { return show(try json(await body())) }
    for _ in 0..<call.repeats {
        let start = microseconds()
        _ = try await body()
        show("\(microseconds() - start)")
    }
}

/// Takes the messages of a stream.
@Sendable func stream<Response: Message & Sendable>(
    _ response: StreamingClientResponse<Response>, count: Int
) async throws {
    tell("listening")
    var left = count
    for try await message in response.messages {
        show(try json(message))
        left -= 1
        if left == 0 { return }
    }
}

func run(_ call: Call) async throws {
    try await withGRPCClient(transport: call.transport()) { client in
        let api = V1alpha_PublicAPI.Client(wrapping: client)
        let options = call.options
        let count = call.count
        switch call.method {
        case "GetInfo":
            let request = try call.message(V1alpha_GetInfoRequest.self)
            try await unary(call) { try await api.getInfo(request: request, options: options) }
        case "ListPods":
            let request = try call.message(V1alpha_ListPodsRequest.self)
            try await unary(call) { try await api.listPods(request: request, options: options) }
        case "InspectPod":
            let request = try call.message(V1alpha_InspectPodRequest.self)
            try await unary(call) { try await api.inspectPod(request: request, options: options) }
        case "ListImages":
            let request = try call.message(V1alpha_ListImagesRequest.self)
            try await unary(call) { try await api.listImages(request: request, options: options) }
        case "InspectImage":
            let request = try call.message(V1alpha_InspectImageRequest.self)
            try await unary(call) { try await api.inspectImage(request: request, options: options) }
        case "ListenEvents":
            let request = try call.message(V1alpha_ListenEventsRequest.self)
            try await api.listenEvents(request: request, options: options) { try await stream($0, count: count) }
        case "GetLogs":
            let request = try call.message(V1alpha_GetLogsRequest.self)
            try await api.getLogs(request: request, options: options) { try await stream($0, count: count) }
        default:
            throw Usage(
                text: "\(call.method) is none of GetInfo, ListPods, InspectPod, ListImages, InspectImage, "
                    + "ListenEvents, GetLogs")
        }
    }
}

do {
    try await run(Call(Array(CommandLine.arguments.dropFirst())))
} catch let error as Usage {
    tell(error.text)
    exit(2)
} catch let error as RPCError {
    tell("\(error.code): \(error.message)")
    exit(1)
} catch {
    tell("\(error)")
    exit(1)
}
exit(0)
