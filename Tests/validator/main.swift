// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Checks from within a pod what the App Container specification promises to apps (section "App Container Executor").
//
// usage: ace-validator prestart|main|sidekick|poststop|metadata
//        ace-validator main metadata
//
// `main metadata` checks what the metadata service tells the pod, too, and `metadata` only that.
//
// The status is 0 and the output "MODE OK" where all holds. Else the status is 1, the output "MODE FAIL", and standard
// error has a line for each promise that is broken. The status is 64 for other arguments.

@preconcurrency import Glibc

let modes: [String: (inout Validator) -> Void] = [
    "prestart": { $0.preStart() }, "main": { $0.main() }, "sidekick": { $0.sidekick() }, "poststop": { $0.postStop() },
    "metadata": { $0.metadata() },
]
let arguments = CommandLine.arguments.dropFirst().map { $0 }
let checks = arguments.compactMap { modes[$0] }
guard checks.count == arguments.count, arguments.count == 1 || arguments == ["main", "metadata"] else {
    fputs("usage: ace-validator prestart|main|sidekick|poststop|metadata | main metadata\n", stderr)
    exit(64)
}
var validator = Validator()
for check in checks { check(&validator) }
for problem in validator.problems { fputs("==> \(problem)\n", stderr) }
print(arguments.joined(separator: " "), validator.problems.isEmpty ? "OK" : "FAIL")
exit(validator.problems.isEmpty ? 0 : 1)
