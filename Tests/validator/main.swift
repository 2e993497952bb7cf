// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Checks from within a pod what the App Container specification promises to apps (section "App Container Executor").
//
// usage: ace-validator prestart|main|sidekick|poststop
//
// The status is 0 and the output "MODE OK" where all holds. Else the status is 1, the output "MODE FAIL", and standard
// error has a line for each promise that is broken. The status is 64 for other arguments.

@preconcurrency import Glibc

let modes: [String: (inout Validator) -> Void] = [
    "prestart": { $0.preStart() }, "main": { $0.main() }, "sidekick": { $0.sidekick() }, "poststop": { $0.postStop() },
]
guard CommandLine.arguments.count == 2, let run = modes[CommandLine.arguments[1]] else {
    fputs("usage: ace-validator prestart|main|sidekick|poststop\n", stderr)
    exit(64)
}
var validator = Validator()
run(&validator)
for problem in validator.problems { fputs("==> \(problem)\n", stderr) }
print(CommandLine.arguments[1], validator.problems.isEmpty ? "OK" : "FAIL")
exit(validator.problems.isEmpty ? 0 : 1)
