// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Stage0
import SystemPackage

/// Which image gives a pod its isolation; one of these at most.
package struct Stage1Options: ParsableArguments {
    @Option(help: ArgumentHelp("File of the stage1 image to use.", valueName: "file"))
    package var stage1Path: String?

    @Option(help: ArgumentHelp("Name of the stage1 image to use, with its version or without.", valueName: "name"))
    package var stage1Name: String?

    @Option(help: ArgumentHelp("ID of the stage1 image to use; it must be in the store.", valueName: "id"))
    package var stage1Hash: String?

    @Option(
        help: ArgumentHelp("Name of a file in the directory of installed stage1 images to use.", valueName: "name"))
    package var stage1FromDir: String?

    @Option(help: ArgumentHelp("URL of the stage1 image to use.", valueName: "url"))
    package var stage1Url: String?

    package init() {}

    package func validate() throws {
        let given = [
            ("path", stage1Path), ("name", stage1Name), ("hash", stage1Hash), ("from-dir", stage1FromDir),
            ("url", stage1Url),
        ].filter { $0.1 != nil }.map { "--stage1-\($0.0)" }
        guard given.count < 2 else {
            throw ValidationError("\(given.joined(separator: " and ")) cannot be used together")
        }
    }

    package var selection: Stage1Selection {
        if let stage1Path { return .path(FilePath(stage1Path)) }
        if let stage1Name { return .name(stage1Name) }
        if let stage1Hash { return .hash(stage1Hash) }
        if let stage1FromDir { return .fromDirectory(stage1FromDir) }
        if let stage1Url { return .url(stage1Url) }
        return .standard
    }
}
