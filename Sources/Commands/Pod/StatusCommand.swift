// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import Stage0

/// `rkt status`
package struct StatusCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Print the state of a pod and of its apps.",
        usage: "rkt status [flags] UUID\nrkt status [flags] --uuid-file=FILE", helpNames: [])

    @Option(help: ArgumentHelp("Wait until the pod has ended: true, false, or how long.", valueName: "time"))
    var wait = WaitTime.never
    @Option(help: ArgumentHelp("Wait until the pod's apps are started: true, false, or how long.", valueName: "time"))
    var waitReady = WaitTime.never
    @Option(help: ArgumentHelp("Print an object: json or json-pretty.", valueName: "format"))
    var format: OutputFormat?
    @OptionGroup var selection: PodSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func validate() throws {
        guard wait == .never || waitReady == .never else {
            throw ValidationError("--wait and --wait-ready cannot be used together")
        }
    }

    package func execute(_ context: CommandContext) throws -> Int32 {
        let pod: String
        do {
            pod = try selection.pod()
        } catch let error as RuntimeError {
            throw CommandFailure(error, status: ExitStatus.failure)
        }
        let runtime = try global.runtime
        let uuid = try runtime.find(pod, or: "problem retrieving pod")
        if waitReady != .never { try runtime.wait(for: uuid, until: .ready, timeout: waitReady.timeout) }
        if wait != .never { try runtime.wait(for: uuid, until: .ended, timeout: wait.timeout) }
        let status = try runtime.status(uuid)
        let text =
            switch format ?? .text {
            case .text: StatusText.lines(status)
            case .json: StatusJSON.object(status).encoded(pretty: false) + "\n"
            case .jsonPretty: StatusJSON.object(status).encoded(pretty: true) + "\n"
            }
        try context.console.write(text)
        return ExitStatus.success
    }
}
