// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import Testing

/// A text kept beside the tests that a plan has to equal.
///
/// `RKT_UPDATE_GOLDEN=1` in the environment rewrites the files; the change is then reviewed like any other.
struct GoldenFile {
    let path: FilePath

    /// - Parameter name: the path below `Golden/`, without its extension.
    init(_ name: String, testFile: String = #filePath) {
        let directory = FilePath(testFile).removingLastComponent().appending("Golden")
        path = directory.appending(FilePath("\(name).txt").components)
    }

    func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        if ProcessImage.variable("RKT_UPDATE_GOLDEN") == "1" {
            try FileSystem.makeDirectories(path.removingLastComponent())
            try FileSystem.write(Array(text.utf8), to: path)
        }
        let golden = try FileSystem.readText(path)
        #expect(
            text == golden, "differs from \(path); RKT_UPDATE_GOLDEN=1 rewrites it", sourceLocation: sourceLocation)
    }
}
