// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt kernel-test`
package struct KernelTestCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "kernel-test", abstract: "Run the same pod on several kernels.",
        usage: "rkt kernel-test --kernel=STAGE1 ... [flags] -- [run flags] IMAGE [image flags] ...",
        discussion: """
            A kernel is a stage1 image: its file, ID, URL or name, or `default` for the one that pods run on otherwise. \
            What follows the flags is for `rkt run`. The pods run one after the other and are removed. When all have \
            ended a table is printed, with the last lines of the console where a kernel panicked.

            The status is that of the first run that failed, or 0.
            """, helpNames: [])
    package static let grammar = Grammar.flagsFirst
    package static let needsRoot = true

    @Option(help: ArgumentHelp("Stage1 image to run the pod on; may be repeated.", valueName: "stage1"))
    var kernel: [String] = []
    @Option(help: ArgumentHelp("How long a pod may run before it is stopped.", valueName: "time"))
    var timeout = TimeSpan.minutes(5)
    @OptionGroup var list: ListOptions
    @Argument var words: [String] = []
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func validate() throws {
        guard !kernel.isEmpty else { throw ValidationError("must provide at least one --kernel") }
        guard !words.isEmpty else { throw ValidationError("must provide what follows \"rkt run\"") }
        guard timeout.milliseconds > 0 else { throw ValidationError("--timeout is 0: no pod could run") }
        // The pods are this command's to find.
        for flag in ["--uuid-file-save", "--interactive"] {
            guard !words.prefix(while: { $0 != "--" }).contains(where: { $0 == flag || $0.hasPrefix("\(flag)=") })
            else {
                throw ValidationError("\(flag) cannot be used with kernel-test")
            }
        }
    }

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        var trials: [KernelTrial] = []
        for (index, kernel) in kernel.enumerated() {
            context.console.tell("kernel-test: running on \(kernel) (\(index + 1) of \(self.kernel.count))")
            trials.append(
                try runtime.tryKernel(
                    kernel, options: global.words, arguments: words, patience: timeout.milliseconds))
        }
        try context.console.write(
            list.text(
                table: { KernelTable.table(trials, full: list.full, legend: !list.noLegend) },
                objects: { trials.map(KernelTable.object) }))
        return trials.first { $0.status != ExitStatus.success }?.status ?? ExitStatus.success
    }
}
