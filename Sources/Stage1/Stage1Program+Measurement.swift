// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import Hypervisor
import LinuxPlatform
import Measurement
import SystemPackage

/// Measuring the machine of a pod, just before it is launched.
extension Stage1Program {
    /// - Returns: what became of it, and the digests it was done with, if it was.
    /// - Throws: when the pod has to be measured and cannot be.
    func measure(
        _ spec: MachineSpec, _ hypervisor: any Hypervisor, _ errors: ErrorStream
    ) throws -> (MachineMeasurement, MachineDigests?) {
        let measurer = Measurer(try MeasurementConfiguration(pod: pod.measurementConfiguration))
        guard measurer.isWanted else { return (.off, nil) }
        // The log's events of a pod are in order, or there is none.
        let first = try? JSONValue(parsing: FileSystem.read(pod.podMeasurement, limit: 64 << 10))
        let result: MeasurementResult
        var digests: MachineDigests?
        if let problem = first?["problem"]?.string {
            return (.failed(problem), nil)
        } else if first?["pod"]?.string != nil {
            result = try measurer.measure {
                var failure: (any Error)?
                let found = MachineDigests(of: spec, hypervisor.programs(of: spec), pod: pod) {
                    if failure == nil { failure = $0 }
                }
                if let failure { throw failure }
                digests = found
                return try MachineEvent.json(spec, hypervisor.kind, found)
            }
        } else {
            result = .failed("the pod's images were not measured before: an older rkt has started it")
        }
        switch result {
        case .none: return (.off, nil)
        case .done(let digest):
            return (
                .done(tpm: measurer.tpm ?? "", pod: first?["pod"]?.string ?? "", machine: digest), digests
            )
        case .failed(let problem):
            errors.notice("stage1: warning: the pod's machine is not measured: \(problem)")
            return (.failed(problem), digests)
        }
    }

    /// The event of a machine: its programs, its kernel, and what the kernel is told.
    private enum MachineEvent {
        static func json(
            _ spec: MachineSpec, _ backend: HypervisorKind, _ digests: MachineDigests
        ) throws -> JSONValue {
            var object = JSONObject()
            object.set("event", "machine")
            object.set("uuid", .string(spec.uuid))
            object.set("backend", .string(backend.rawValue))
            if !digests.programs.isEmpty {
                object.set(
                    "hypervisor",
                    .array(
                        digests.programs.map {
                            ["name": .string($0.name), "digest": .string($0.digest ?? "")]
                        }))
            }
            for (key, digest) in [
                ("kernel", digests.kernel), ("initrd", digests.initrd), ("guestRoot", digests.guestRoot),
            ] {
                if let digest { object.set(key, .string(digest)) }
            }
            if case .bundled = spec.kernel { object.set("commandLine", .string(try spec.commandLine.rendered())) }
            return .object(object)
        }
    }
}
