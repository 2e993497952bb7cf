// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Stage0
import SystemPackage

/// Which pods a command is for: UUIDs, their beginnings, or a file that holds one.
package struct PodSelection: ParsableArguments {
    @Option(help: ArgumentHelp("File with the pod's UUID; UUIDs on the command line are ignored.", valueName: "file"))
    package var uuidFile: String?

    @Argument(help: ArgumentHelp("Pods, each by its UUID or an unambiguous beginning of it.", valueName: "uuid"))
    package var uuids: [String] = []

    package init() {}

    package func validate() throws {
        guard uuidFile != nil || !uuids.isEmpty else { throw ValidationError("must provide a pod's UUID") }
    }

    /// What to look for; pods are not searched here.
    package func pods() throws -> [String] {
        if let uuidFile { [try PodRuntime.uuid(fromFile: FilePath(uuidFile))] } else { uuids }
    }

    /// The same for a command that is for one pod.
    package func pod() throws -> String {
        let pods = try pods()
        guard let pod = pods.first, pods.count == 1 else {
            throw UsageError("must provide one UUID, not \(pods.count)")
        }
        return pod
    }
}
