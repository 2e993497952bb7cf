// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import SignatureTrust
import Stage0

/// `rkt trust`
package struct TrustCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Trust keys that images are signed with.",
        usage: "rkt trust --prefix=NAME [flags] [KEYFILE ...]\nrkt trust --root [flags] KEYFILE ...",
        discussion: """
            A key file is a path or a URL. Without one, the site that the prefix begins with is asked for its keys. \
            Each key is shown, and stored in the local configuration directory when the answer is yes.
            """, helpNames: [])

    @Option(
        help: ArgumentHelp(
            "Trust the keys for images of this name and for those below it at a slash.", valueName: "name"))
    var prefix: String?
    @Flag(help: "Trust the keys for all images.")
    var root = false
    @Flag(help: "Trust the keys without asking.")
    var skipFingerprintReview = false
    @Flag(help: "Allow plain HTTP for finding and fetching keys.")
    var insecureAllowHttp = false
    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var locations: [String] = []

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let scope = try scope()
        let runtime = try global.runtime
        let request = TrustRequest(scope: scope, locations: locations, allowsPlainHTTP: insecureAllowHttp)
        let areAllAccepted = try runtime.trust(request, from: try runtime.keySource) { review in
            let text = KeyReviewText(review)
            for line in text.lines { context.console.tell(line) }
            guard try skipFingerprintReview || confirm(context.console) else {
                context.console.tell("Not trusting \"\(review.location)\" \(text.purpose).")
                return false
            }
            context.console.tell("Trusting \"\(review.location)\" \(text.purpose).")
            return true
        } added: { file in
            try context.console.print("Added \(KeyReviewText.kind(scope)) at \"\(file)\"")
        }
        return areAllAccepted ? ExitStatus.success : ExitStatus.error
    }

    private func scope() throws -> KeyScope {
        switch (prefix, root) {
        case (nil, false):
            throw UsageError("--prefix or --root is needed: it says which images the keys are trusted for")
        case (.some, true): throw UsageError("--prefix and --root cannot be used together")
        case (nil, true):
            guard !locations.isEmpty else {
                throw UsageError("--root needs a file or URL: root keys are not discovered")
            }
            return .root
        case (let text?, false):
            do {
                return .prefix(try ACIdentifier(parsing: text))
            } catch {
                throw UsageError("--prefix: \(error)")
            }
        }
    }

    private func confirm(_ console: Console) throws -> Bool {
        var question = "Are you sure you want to trust this key (yes/no)? "
        while true {
            guard let answer = console.ask(question) else {
                throw RuntimeError(
                    .invalidState,
                    "unable to ask user to review fingerprint due to lack of tty; "
                        + "use --skip-fingerprint-review to trust the key without")
            }
            switch answer.filter({ !$0.isWhitespace }).lowercased() {
            case "yes": return true
            case "no": return false
            default: question = "Please enter 'yes' or 'no': "
            }
        }
    }
}
