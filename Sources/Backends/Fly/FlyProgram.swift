// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform

/// The last steps, inside of the app's root: its directory, its user, its program.
struct FlyProgram {
    private let program: AppProgram

    init(_ program: AppProgram) { self.program = program }

    func start() throws -> Never {
        try ProgramStart.enter(workingDirectory: program.workingDirectory)
        try ProgramStart.assume(program.user)
        if program.noNewPrivileges { try ProgramStart.giveUpPrivileges() }
        try ProgramStart.execute(program.arguments, environment: program.environment)
    }
}
