// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What the apps of a pod may use together, from which a virtual machine is sized.
package struct ResourceDemand: Hashable, Sendable {
    /// The sum of the memory limits, each rounded down to MiB; apps without a limit add nothing.
    package let memoryMebibytes: Int64
    /// The sum of the CPU limits, each rounded up to whole cores; nil when no app has one.
    package let cores: Int64?
    /// The sum of the CPU limits in thousandths of a core; nil when no app has one.
    package let milliCores: Int64?

    /// Adds up the limits of the apps, one list of isolators for each; sums that do not fit are cut to the largest.
    package init(_ apps: some Sequence<[Isolator]>) {
        var memory: Int64 = 0
        var cores: Int64?
        var milli: Int64?
        for isolators in apps {
            if let limit = isolators.memoryLimit { memory = ResourceDemand.sum(memory, limit.value >> 20) }
            guard let limit = isolators.cpuLimit else { continue }
            cores = ResourceDemand.sum(cores ?? 0, limit.value)
            milli = ResourceDemand.sum(milli ?? 0, limit.milli ?? .max)
        }
        memoryMebibytes = memory
        self.cores = cores
        milliCores = milli
    }

    /// The memory of a machine that adds an overhead for its kernel and programs, in MiB.
    package func machineMemory(overhead: Int64 = 128, minimum: Int64 = 512) -> Int64 {
        max(minimum, ResourceDemand.sum(memoryMebibytes, overhead))
    }

    /// The processors of a machine: as many as the limits ask for, or the host's when there are no limits or too few.
    package func machineCores(host: Int64) -> Int64 {
        guard let cores, cores > 0, cores <= host else { return host }
        return cores
    }

    private static func sum(_ first: Int64, _ second: Int64) -> Int64 {
        let (sum, overflow) = first.addingReportingOverflow(second)
        return overflow ? .max : sum
    }
}
