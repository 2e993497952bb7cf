// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform

extension ProcessLabel {
    /// The context of a machine's process.
    init(_ context: SELinuxContext) { self.init(context.description, remedy: SELinuxContext.remedy) }
}

/// Makes sockets for a machine, which get its context of SELinux if it has one.
func withSockets<Value>(_ label: SELinuxContext?, _ body: () throws -> Value) throws -> Value {
    guard let label else { return try body() }
    return try ProcessLabel(label).onSockets(body)
}
