// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageStore
import Stage0

/// `rkt image verify`
package struct ImageVerifyCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check stored images and the trees unpacked from them.",
        usage: "rkt image verify IMAGE ...", discussion: "A tree that was changed is unpacked anew.", helpNames: [])

    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var images: [String]

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        let store = try runtime.openImages()
        var status = ExitStatus.success
        for name in images {
            do {
                try verify(name, runtime, store, context.console)
            } catch {
                status = ExitStatus.error
                context.report(error, debug: runtime.settings.isDebug)
            }
        }
        return status
    }

    private func verify(_ name: String, _ runtime: PodRuntime, _ store: ImageStore, _ console: Console) throws {
        let image = try runtime.storedImage(name)
        switch try store.verify(image, isInUse: { try runtime.isTreeInUse($0) }) {
        case .intact, .notRendered:
            try console.print("successfully verified checksum for image: \"\(name)\" (\"\(image.id.key)\")")
        case .repaired(let difference):
            console.tell(
                "verify: tree cache verification failed for image \"\(name)\" (\"\(image.id.key)\"): "
                    + "\(difference) differs; unpacked it anew")
        }
    }
}
