// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt gc`
package struct CollectGarbageCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Remove pods that ended a while ago.", usage: "rkt gc [flags]",
        discussion: """
            Pods that ended or could not be prepared, and prepared ones that nobody ran, are marked. Marked pods are \
            removed when they have been so for the grace period.
            """, helpNames: [])
    package static let needsRoot = true

    @Option(help: ArgumentHelp("Time between a pod's marking and its removal.", valueName: "time"))
    var gracePeriod = TimeSpan.minutes(30)
    @Option(help: ArgumentHelp("Time that a prepared pod waits to be run.", valueName: "time"))
    var expirePrepared = TimeSpan.hours(24)
    @Flag(help: "Mark pods and remove none.")
    var markOnly = false
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        var policy = GarbagePolicy()
        policy.gracePeriod = gracePeriod.nanoseconds
        policy.expirePrepared = expirePrepared.nanoseconds
        policy.markOnly = markOnly
        let runtime = try global.runtime
        var status = ExitStatus.success
        try runtime.collectGarbage(policy) { event in
            if case .failed = event { status = ExitStatus.error }
            CollectGarbageCommand.tell(event, runtime, context)
        }
        return status
    }

    private static func tell(_ event: GarbageEvent, _ runtime: PodRuntime, _ context: CommandContext) {
        switch event {
        case .markedExited(let uuid):
            context.console.tell("gc: moving pod \"\(uuid)\" to garbage")
        case .markedAborted(let uuid):
            context.console.tell("gc: moving failed prepare \"\(uuid)\" to garbage")
        case .markedExpired(let uuid):
            context.console.tell("gc: moving expired prepared pod \"\(uuid)\" to garbage")
        case .collecting(let uuid):
            // The pod is removed whether somebody reads this or not.
            try? context.console.print("Garbage collecting pod \"\(uuid)\"")
        case .failed(_, is CollectFailure):
            // Stage1 has said what there is to say.
            return
        case .failed(let uuid, let error):
            let failure = RuntimeError(.internal, "cannot remove pod \"\(uuid)\"", cause: error)
            for line in ErrorReport.lines(failure, component: "gc", debug: runtime.settings.isDebug) {
                context.console.tell(line)
            }
        }
    }
}
