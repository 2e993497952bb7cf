// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Stage0
import SystemPackage

/// The pod that a command is for, and what follows it on the command line.
package struct PodAndWords: ParsableArguments {
    @Option(help: ArgumentHelp("File with the pod's UUID, which is then left out.", valueName: "file"))
    package var uuidFile: String?

    @Argument var given: [String] = []

    package init() {}

    package func validate() throws {
        guard uuidFile != nil || !given.isEmpty else { throw ValidationError("must provide a pod's UUID") }
    }

    /// What to look for; pods are not searched here.
    package func pod() throws -> String {
        try uuidFile.map { try PodRuntime.uuid(fromFile: FilePath($0)) } ?? given[0]
    }

    /// What is not the pod.
    package var words: [String] { uuidFile == nil ? Array(given.dropFirst()) : given }

    /// - Throws: when there are more or fewer words than that.
    package func words(_ count: Int, _ what: String) throws -> [String] {
        guard words.count == count else {
            throw UsageError("must provide a pod's UUID\(what), not \(words.count) words more")
        }
        return words
    }
}
