// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import ImageStore
import Stage0

/// `rkt image rm`
package struct ImageRemoveCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove stored images.", usage: "rkt image rm IMAGE ...",
        discussion: "Pods that were made from an image are not affected.", helpNames: [])

    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var images: [String]

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        let store = try runtime.openImages()
        var removed: Set<ImageID> = []
        var status = ExitStatus.success
        // All are looked up first: one that is named twice is there both times.
        for image in images.compactMap({ find($0, runtime, context, &status) }) where !removed.contains(image.id) {
            do {
                try runtime.remove(image, from: store)
                removed.insert(image.id)
                try context.console.print("successfully removed aci for image: \"\(image.id.key)\"")
            } catch {
                status = ExitStatus.error
                context.report(error, debug: runtime.settings.isDebug)
            }
        }
        if !removed.isEmpty { context.console.tell("rm: \(removed.count) image(s) successfully removed") }
        return status
    }

    /// An image that is not there is told about, and not there afterwards as was asked. It is a failure when nobody can
    /// know which image is meant.
    private func find(
        _ name: String, _ runtime: PodRuntime, _ context: CommandContext, _ status: inout Int32
    ) -> StoredImage? {
        do {
            return try runtime.storedImage(name)
        } catch {
            if (error as? RuntimeError)?.code != .notFound { status = ExitStatus.error }
            context.report(error, debug: runtime.settings.isDebug)
            return nil
        }
    }
}
