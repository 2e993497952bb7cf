// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt list`
package struct ListCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List pods and their apps.", usage: "rkt list [flags]", helpNames: [])

    @OptionGroup var output: ListOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        let pods = try runtime.list(output.isTable ? .table : .everything)
        for pod in pods {
            if let error = pod.error { runtime.notices.debug(context.component, "pod \"\(pod.uuid)\": \(error)") }
        }
        let text = output.text {
            PodTable.table(pods, full: output.full, legend: !output.noLegend, now: TimeText.now)
        } objects: {
            pods.map(StatusJSON.object)
        }
        try context.console.write(text)
        return ExitStatus.success
    }
}
