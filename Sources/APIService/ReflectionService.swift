// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import GRPCCore
import RktAPI
import SwiftProtobuf

/// What the built-in descriptors declare, by name.
package struct DescriptorIndex: Sendable {
    private struct File {
        let bytes: Data
        let dependencies: [String]
    }

    private var files: [String: File] = [:]
    /// Names of files by full names of what they declare.
    private var symbols: [String: String] = [:]
    /// Full names of services, sorted.
    package private(set) var services: [String] = []

    /// - Parameter set: a google.protobuf.FileDescriptorSet in base64.
    package init(base64 set: String = Descriptors.set) throws {
        guard let bytes = Data(base64Encoded: set) else {
            throw Diagnostics.RuntimeError(.internal, "the descriptors are not base64")
        }
        for file in try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes).file {
            files[file.name] = File(bytes: try file.serializedData(), dependencies: file.dependency)
            let package = file.package.isEmpty ? "" : file.package + "."
            for service in file.service {
                services.append(package + service.name)
                symbols[package + service.name] = file.name
                for method in service.method { symbols["\(package)\(service.name).\(method.name)"] = file.name }
            }
            add(file.messageType, in: package, of: file.name)
            add(file.enumType, in: package, of: file.name)
        }
        services.sort()
    }

    private mutating func add(_ messages: [Google_Protobuf_DescriptorProto], in scope: String, of file: String) {
        for message in messages {
            let name = scope + message.name
            symbols[name] = file
            for field in message.field { symbols["\(name).\(field.name)"] = file }
            for oneof in message.oneofDecl { symbols["\(name).\(oneof.name)"] = file }
            add(message.nestedType, in: name + ".", of: file)
            add(message.enumType, in: name + ".", of: file)
        }
    }

    private mutating func add(_ enums: [Google_Protobuf_EnumDescriptorProto], in scope: String, of file: String) {
        for type in enums {
            symbols[scope + type.name] = file
            // Values stand beside their type (proto3, scoping rules).
            for value in type.value { symbols[scope + value.name] = file }
        }
    }

    /// A file and all that it imports; nil when there is no such file.
    package func file(named name: String) -> [Data]? {
        guard files[name] != nil else { return nil }
        var names: [String] = [name]
        var index = 0
        while index < names.count {
            for dependency in files[names[index]]?.dependencies ?? [] where !names.contains(dependency) {
                names.append(dependency)
            }
            index += 1
        }
        return names.compactMap { files[$0]?.bytes }
    }

    /// The file that declares something, by its full name.
    package func file(declaring symbol: String) -> [Data]? { symbols[symbol].flatMap(file(named:)) }

    /// The answer to one request.
    package func answer(
        _ request: Grpc_Reflection_V1_ServerReflectionRequest
    ) -> Grpc_Reflection_V1_ServerReflectionResponse {
        var response = Grpc_Reflection_V1_ServerReflectionResponse()
        response.validHost = request.host
        response.originalRequest = request
        func found(_ files: [Data]?, _ what: String) {
            if let files {
                response.fileDescriptorResponse.fileDescriptorProto = files
            } else {
                fail(.notFound, "there is no \(what)")
            }
        }
        func fail(_ code: RPCError.Code, _ text: String) {
            response.errorResponse.errorCode = Int32(code.rawValue)
            response.errorResponse.errorMessage = text
        }
        switch request.messageRequest {
        case .fileByFilename(let name): found(file(named: name), "file \"\(name)\"")
        case .fileContainingSymbol(let symbol): found(file(declaring: symbol), "\"\(symbol)\"")
        case .fileContainingExtension(let wanted): fail(.notFound, "\"\(wanted.containingType)\" has no extensions")
        case .allExtensionNumbersOfType(let type): fail(.notFound, "\"\(type)\" has no extensions")
        case .listServices:
            response.listServicesResponse.service = services.map { name in
                var service = Grpc_Reflection_V1_ServiceResponse()
                service.name = name
                return service
            }
        case nil: fail(.invalidArgument, "the request asks nothing")
        }
        return response
    }
}

/// `grpc.reflection.v1.ServerReflection`
package struct ReflectionService: Grpc_Reflection_V1_ServerReflection.StreamingServiceProtocol {
    /// How many requests a stream may have.
    package static let requests = 64

    private let index: DescriptorIndex

    package init(_ index: DescriptorIndex) { self.index = index }

    package func serverReflectionInfo(
        request: StreamingServerRequest<Grpc_Reflection_V1_ServerReflectionRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Grpc_Reflection_V1_ServerReflectionResponse> {
        let index = index
        return StreamingServerResponse { writer in
            try await ReflectionService.answer(request.messages, writer) { index.answer($0) }
            return [:]
        }
    }

    static func answer<Request: Sendable, Response: Sendable>(
        _ requests: RPCAsyncSequence<Request, any Error>, _ writer: RPCWriter<Response>,
        _ answer: (Request) throws -> Response
    ) async throws {
        var count = 0
        for try await request in requests {
            count += 1
            guard count <= ReflectionService.requests else {
                throw RPCError(
                    code: .resourceExhausted,
                    message: "a stream has \(ReflectionService.requests) requests at most; begin another one")
            }
            try await writer.write(try answer(request))
        }
    }
}

/// `grpc.reflection.v1alpha.ServerReflection`: the same by the name that older clients know.
package struct OldReflectionService: Grpc_Reflection_V1alpha_ServerReflection.StreamingServiceProtocol {
    private let index: DescriptorIndex

    package init(_ index: DescriptorIndex) { self.index = index }

    package func serverReflectionInfo(
        request: StreamingServerRequest<Grpc_Reflection_V1alpha_ServerReflectionRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Grpc_Reflection_V1alpha_ServerReflectionResponse> {
        let index = index
        return StreamingServerResponse { writer in
            try await ReflectionService.answer(request.messages, writer) { old in
                // The messages of both have the same fields.
                let request = try Grpc_Reflection_V1_ServerReflectionRequest(
                    serializedBytes: old.serializedData())
                return try Grpc_Reflection_V1alpha_ServerReflectionResponse(
                    serializedBytes: index.answer(request).serializedData())
            }
            return [:]
        }
    }
}
