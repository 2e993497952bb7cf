// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import ArgumentParser
import Diagnostics
import Stage0

/// `rkt` from its arguments to its exit status.
package struct Program {
    private let console: Console
    private let isRoot: Bool

    package init(console: Console = .standard, isRoot: Bool = geteuid() == 0) {
        self.console = console
        self.isRoot = isRoot
    }

    /// Runs a command line, given without the program's name, and returns the exit status; does not return when another
    /// program takes over the process.
    package func run(_ arguments: [String]) -> Int32 {
        do {
            return try run(CommandSelection(arguments))
        } catch let error as UnknownCommandError {
            return fail(error.lines)
        } catch let error as UsageError {
            return fail(error, at: .root)
        } catch {
            return report(error, component: "rkt", debug: false)
        }
    }

    private func run(_ selection: CommandSelection) throws -> Int32 {
        let node = selection.node
        guard let command = node.command else { return try runNothing(selection) }
        let component = node.path.last ?? "rkt"
        let arguments: AppArguments
        do {
            arguments = try AppArguments(
                selection.arguments, grammar: command.grammar, catalog: FlagCatalog(of: command))
        } catch {
            // Other users are told that they may not before they are told how to.
            if command.needsRoot, !isRoot { return refuse(component) }
            return fail(error, at: node)
        }
        if selection.wantsHelp || arguments.wantsHelp {
            try console.write(HelpPage(node).text)
            return ExitStatus.success
        }
        if command.needsRoot, !isRoot { return refuse(component) }
        let isDebug = arguments.flags.last { $0.definition.name == "debug" }?.value == "true"
        do {
            try checkStanding(of: arguments)
            let context = CommandContext(
                component: component, console: console, images: arguments.images, givenFlags: arguments.givenFlags)
            return try Program.parse(command, arguments).execute(context)
        } catch let error as UsageError {
            return fail(error, at: node)
        } catch let error as UnknownCommandError {
            return fail(error.lines)
        } catch is PreflightFailure {
            // Stage1 has said what there is to say.
            return ExitStatus.error
        } catch let failure as PodNetworkingFailure {
            return report(failure.cause, component: "networking", debug: isDebug)
        } catch let failure as CommandFailure {
            if let error = failure.error { _ = report(error, component: component, debug: isDebug) }
            return failure.status
        } catch {
            return report(error, component: component, debug: isDebug)
        }
    }

    private static func parse(_ command: any RktCommand.Type, _ arguments: AppArguments) throws -> any RktCommand {
        do {
            return try command.parse(CanonicalArguments.of(arguments.flags, words: arguments.words))
        } catch {
            throw UsageError(command.message(for: error))
        }
    }

    /// Refuses what does not work yet; speaks of what works under another name now.
    private func checkStanding(of arguments: AppArguments) throws {
        for flag in arguments.flags + arguments.images.flatMap(\.flags) {
            let name = flag.definition.name
            switch flag.definition.standing {
            case .supported, .alias:
                continue
            case .deprecated(let current, let value):
                let hint = value.map { "\(current)=\($0)" } ?? current
                console.tell("Flag --\(name) has been deprecated, please use --\(hint)")
            case .unsupported(let reason):
                if flag.definition.value == .toggle, flag.value == "false" { continue }
                throw RuntimeError(.unsupported, "--\(name) is not supported yet: \(reason)")
            }
        }
    }

    /// Command words are missing.
    private func runNothing(_ selection: CommandSelection) throws -> Int32 {
        let node = selection.node
        let isRoot = node.path.count == 1
        try console.write(HelpPage(node).text)
        if selection.wantsHelp { return ExitStatus.success }
        console.tell(isRoot ? "rkt: missing command" : "Error: missing command for \"\(node.name)\"")
        return isRoot ? ExitStatus.missingCommand : ExitStatus.error
    }

    // MARK: - Failing

    private func refuse(_ component: String) -> Int32 {
        report(
            RuntimeError(.permissionDenied, "cannot run as unprivileged user; run it as root, for instance with sudo"),
            component: component, debug: false)
    }

    private func fail(_ error: any Error, at node: CommandNode) -> Int32 {
        // What went wrong is on standard error in any case.
        try? console.write(HelpPage(node).text)
        return fail(["\(error)"])
    }

    private func fail(_ lines: [String]) -> Int32 {
        console.tell("Error: " + lines.joined(separator: "\n"))
        return ExitStatus.error
    }

    private func report(_ error: any Error, component: String, debug: Bool) -> Int32 {
        for line in ErrorReport.lines(error, component: component, debug: debug) { console.tell(line) }
        return ExitStatus.error
    }
}

/// A failure with an exit status of its own.
package struct CommandFailure: Error {
    /// What to tell; nil when everything has been told.
    package let error: (any Error)?
    package let status: Int32

    package init(_ error: (any Error)? = nil, status: Int32 = ExitStatus.error) {
        self.error = error
        self.status = status
    }
}
