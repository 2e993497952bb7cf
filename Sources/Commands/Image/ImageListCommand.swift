// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import ImageStore
import Stage0

/// `rkt image list`
package struct ImageListCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List stored images.", usage: "rkt image list [flags]", helpNames: [])

    @OptionGroup var output: ListOptions
    @Option(
        help: ArgumentHelp(
            "Columns to print, separated by commas; also latest. (default: \(ImageFields.standard))", valueName: "names"
        ),
        transform: ImageFields.init(parsing:))
    var fields = ImageFields.standard
    @Option(
        help: ArgumentHelp("Columns to sort by, separated by commas. (default: importtime)", valueName: "names"),
        transform: ImageFields.init(parsing:))
    var sort = ImageFields(fields: [.importTime])
    @Option(help: ArgumentHelp("Which way to sort: asc or desc.", valueName: "order"))
    var order = SortOrder.ascending
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let images = ImageTable.sorted(try global.runtime.openImages().images(), by: sort.fields, order)
        let text = output.text {
            ImageTable.table(
                images, fields.fields, full: output.full, legend: !output.noLegend, now: TimeText.now)
        } objects: {
            images.map { ImageTable.object($0, fields.fields) }
        }
        try context.console.write(text)
        return ExitStatus.success
    }
}
