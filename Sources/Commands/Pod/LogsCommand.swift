// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt logs`
package struct LogsCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a pod's apps have logged, or its machine's console.",
        usage: "rkt logs [flags] UUID\nrkt logs [flags] --uuid-file=FILE",
        discussion: """
            Lines are those of the pod's journal, also after its end and until it is removed. Where the host has \
            systemd-journal-remote, `journalctl -m`, and `journalctl -D` with the directory `journal` of the pod, show \
            the same. With --console: what the kernel of the pod's machine wrote, up to 1 MiB.
            """,
        helpNames: [])

    @Option(help: ArgumentHelp("Only what this app has logged.", valueName: "name"))
    var app: String?
    @Flag(help: "Go on with what is logged until the pod ends.")
    var follow = false
    @Option(
        help: ArgumentHelp(
            "Only what was logged since then: \"2026-01-02 15:04:05\", 2026-01-02T15:04:05Z, @1767366245, today, "
                + "-5min or \"1h 30min ago\".", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Print an object for each entry, with all of its fields: json.", valueName: "format"))
    var format: LogFormat?
    @Flag(help: "What the kernel of the pod's machine wrote, instead of what apps have logged.")
    var console = false
    @OptionGroup var selection: PodSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func validate() throws {
        guard console else { return }
        for (flag, isGiven) in [("app", app != nil), ("since", since != nil), ("format", format != nil)] where isGiven {
            throw ValidationError("--console shows all that the kernel wrote; it does not go with --\(flag)")
        }
    }

    package func execute(_ context: CommandContext) throws -> Int32 {
        var request = LogRequest()
        request.app = app
        request.follows = follow
        if let since { request.since = try SinceTime.parse(since, now: UInt64(max(0, TimeText.now)) / 1000) }
        let runtime = try global.runtime
        let uuid = try runtime.find(selection.pod(), or: "problem retrieving pod")
        if console {
            try runtime.readConsole(of: uuid, follows: follow) { try context.console.print(PrintableText.line($0)) }
            return ExitStatus.success
        }
        var machineID = ""
        try runtime.readLogs(of: uuid, request, start: { machineID = $0.withoutDashes }) { entry in
            switch format ?? .text {
            case .text: if let line = LogText.line(entry) { try context.console.print(line) }
            case .json: try context.console.print(LogJSON.object(entry, machineID: machineID))
            }
        }
        return ExitStatus.success
    }
}
