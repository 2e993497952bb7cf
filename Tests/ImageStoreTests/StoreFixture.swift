// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import SystemPackage
import TestSupport

/// An image store of a test's own, and images to put into it.
struct StoreFixture {
    let scratch: ScratchDirectory
    let store: ImageStore

    init() throws {
        scratch = try ScratchDirectory()
        store = try ImageStore(dataDirectory: scratch.appending("data"))
    }

    /// Another handle on the same store, as another process would have.
    func reopened() throws -> ImageStore { try ImageStore(dataDirectory: scratch.appending("data")) }

    /// Writes an image file.
    func file(
        _ name: String, version: String = "1.0.0", extra: String = "", as file: String = "image.aci",
        _ build: (inout TarFixture) -> Void = { _ in }
    ) throws -> FilePath {
        var tar = TarFixture.image(TarFixture.manifest(name: name, version: version, extra: extra))
        build(&tar)
        try FileSystem.write(tar.bytes(), to: scratch.appending(file))
        return scratch.appending(file)
    }

    /// Writes and imports an image.
    @discardableResult
    func image(
        _ name: String, version: String = "1.0.0", extra: String = "", isLatest: Bool = false,
        _ build: (inout TarFixture) -> Void = { _ in }
    ) throws -> StoredImage {
        try store.importImage(at: file(name, version: version, extra: extra, build), isLatest: isLatest)
    }

    /// The text of the error that something ends with.
    func message<Value>(_ body: () throws -> Value) -> String {
        do {
            _ = try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    /// Names of everything in the directories where work in progress stands.
    func leftovers() throws -> [String] {
        try FileSystem.list(store.layout.temporary)
            + FileSystem.list(store.layout.trees).filter { $0.hasPrefix(".") }
    }
}
