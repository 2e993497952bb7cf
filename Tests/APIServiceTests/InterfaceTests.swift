// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import FoundationEssentials
import GRPCCore
import RktAPI
import SwiftProtobuf
import SystemPackage
import Testing

struct ReflectionTests {
    private let index: DescriptorIndex

    init() throws { index = try DescriptorIndex() }

    private func answer(
        _ change: (inout Grpc_Reflection_V1_ServerReflectionRequest) -> Void
    ) -> Grpc_Reflection_V1_ServerReflectionResponse {
        var request = Grpc_Reflection_V1_ServerReflectionRequest()
        change(&request)
        return index.answer(request)
    }

    @Test func servicesAreListed() {
        let list = answer { $0.listServices = "*" }.listServicesResponse.service.map(\.name)
        #expect(
            list == [
                "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection", "v1alpha.PublicAPI",
            ])
    }

    @Test(arguments: [
        "v1alpha.PublicAPI", "v1alpha.PublicAPI.ListPods", "v1alpha.Pod", "v1alpha.Pod.state", "v1alpha.PodState",
        "v1alpha.POD_STATE_RUNNING",
    ])
    func theFileOfASymbolIsFound(symbol: String) throws {
        let files = answer { $0.fileContainingSymbol = symbol }.fileDescriptorResponse.fileDescriptorProto
        #expect(files.count == 1)
        let file = try Google_Protobuf_FileDescriptorProto(serializedBytes: files.first ?? Data())
        #expect(file.name == "v1alpha/api.proto")
        #expect(file.messageType.contains { $0.name == "Pod" })
        #expect(answer { $0.fileByFilename = file.name }.fileDescriptorResponse.fileDescriptorProto == files)
    }

    @Test func whatIsNotThereIsNotFound() {
        let answers = [
            answer { $0.fileContainingSymbol = "v1alpha.Nothing" }, answer { $0.fileByFilename = "nothing.proto" },
            answer { $0.allExtensionNumbersOfType = "v1alpha.Pod" },
        ]
        #expect(answers.map(\.errorResponse.errorCode) == [5, 5, 5])
        #expect(answers.first?.originalRequest.fileContainingSymbol == "v1alpha.Nothing")
    }
}

struct HealthTests {
    @Test func whoWatchesHearsOfChanges() async throws {
        let board = HealthBoard()
        let (stream, number) = try board.watch()
        var iterator = stream.makeAsyncIterator()
        #expect(try await iterator.next() == true)
        board.set(true)
        board.set(false)
        #expect(try await iterator.next() == false)
        #expect(!board.isServing)
        board.end(number)
        #expect(try await iterator.next() == nil)
    }

    @Test func theEndOfTheServiceIsUnavailability() async throws {
        let board = HealthBoard()
        let (stream, _) = try board.watch()
        board.close()
        let error = await #expect(throws: RPCError.self) { for try await _ in stream {} }
        #expect(error?.code == .unavailable)
    }
}

struct ServiceArgumentsTests {
    @Test func addressesAreRead() throws {
        #expect(try ListenAddress(parsing: "localhost:15441") == .standard)
        #expect(try ListenAddress(parsing: "127.0.0.1:0") == .tcp(host: "127.0.0.1", port: 0))
        #expect(try ListenAddress(parsing: "[::1]:80") == .tcp(host: "::1", port: 80))
        #expect(try ListenAddress(parsing: "unix:/run/rkt/api.sock") == .unix("/run/rkt/api.sock"))
    }

    @Test(arguments: ["", "localhost", ":80", "a:65536", "a:-1", "a:b", "::1:80", "unix:", "unix:relative", "unix:/"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: (any Error).self) { try ListenAddress(parsing: text) }
    }

    @Test func infoEchoesArguments() throws {
        let arguments = try ServiceArguments([
            "--dir=/d=e", "--system-config=/s", "--local-config=/l", "--user-config=/u", "--insecure-options=image,tls",
            "--trust-keys-from-https", "--listen=unix:/x", "--listen=localhost:0",
        ])
        #expect(arguments.flags.dir == "/d=e")
        #expect(arguments.flags.systemConfigDir == "/s")
        #expect(arguments.flags.localConfigDir == "/l")
        #expect(arguments.flags.userConfigDir == "/u")
        #expect(arguments.flags.insecureFlags == "image,tls")
        #expect(arguments.flags.trustKeysFromHTTPS)
        #expect(arguments.listen == [.unix("/x"), .tcp(host: "localhost", port: 0)])
        #expect(throws: (any Error).self) { try ServiceArguments(["--dir"]) }
        #expect(throws: (any Error).self) { try ServiceArguments(["word"]) }
    }
}
