// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Process 1 of the guest: makes a generic guest the machine of one pod, then becomes systemd.
///
/// Until HELLO has been answered nothing here depends on the pod, so that a guest saved at that point could be restored
/// for any pod.
package struct Shim {
    private let bootPort: FileDescriptor

    /// Runs to the exec of systemd; whatever fails is told to the host, and the machine powers off.
    package static func run() -> Never {
        do {
            if GuestPort.isInContainer { try GuestMounts.makeForContainer() } else { try GuestMounts.makeForMachine() }
            let shim = Shim(bootPort: try GuestPort.open(PortName.boot))
            do {
                try shim.becomePod()
            } catch {
                shim.send(.failed(describe(error)))
                Terminal.drain(shim.bootPort)
            }
        } catch {
            // The console is all there is.
            fputs("rkt-guest: \(describe(error))\n", stderr)
        }
        FinalShutdown.endMachine()
    }

    static func describe(_ error: any Error) -> String { String(describing: error) }

    private func becomePod() throws {
        let started = Clock.microseconds
        send(.hello(version: ProtocolVersion.current, role: .shim))
        send(.phase(name: "kernel", microseconds: started))
        let pod = try receiveConfiguration()
        send(.phase(name: "configured", microseconds: Clock.microseconds))
        guard sethostname(pod.hostname, pod.hostname.utf8.count) == 0 else {
            throw RuntimeError.systemCall("sethostname", nil, lastErrno)
        }
        try FileSystem.write(Array("\(pod.machineID)\n".utf8), to: GuestLayout.machineID, mode: 0o444)
        // A container has been given its network as it is.
        if !GuestPort.isInContainer { try NetworkSetUp(interfaces: pod.interfaces).apply() }
        try PodSetUp(pod: pod).apply()
        send(.phase(name: PhaseName.shimEnd, microseconds: Clock.microseconds))
        try? bootPort.close()
        try startSystemd(debug: pod.debug)
    }

    private func receiveConfiguration() throws -> PodConfiguration {
        var decoder = FrameDecoder(limit: Frame.configurationLimit)
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        while true {
            if let frame = try decoder.next() {
                guard case .pod(let pod) = try HostMessage(frame) else {
                    throw ProtocolError.unexpected("the host did not begin with the pod's configuration")
                }
                return pod
            }
            // SAFETY: the buffer outlives the call and its size is passed.
            let count = buffer.withUnsafeMutableBytes { read(bootPort.rawValue, $0.baseAddress, $0.count) }
            if count < 0, lastErrno == .interrupted { continue }
            guard count > 0 else {
                throw RuntimeError.systemCall("read", "the boot port", count < 0 ? lastErrno : .ioError)
            }
            decoder.append(buffer[..<count])
        }
    }

    private func send(_ message: GuestMessage) { try? FileSystem.writeAll(message.frame.encoded, to: bootPort) }

    private func startSystemd(debug: Bool) throws -> Never {
        // The console of a virtual machine shows the kernel's messages.
        let target = GuestPort.isInContainer ? "console" : "kmsg"
        var arguments = ["/usr/lib/systemd/systemd", "--log-target=\(target)", "--show-status=false"]
        arguments.append(debug ? "--log-level=debug" : "--log-level=notice")
        // Without PATH the manager falls back to a compiled-in one; nothing else of the kernel's environment is wanted.
        var environment = ["PATH=/usr/sbin:/usr/bin", "TERM=vt220"]
        // By this the manager knows that it is in a container (systemd's container interface).
        if let container = ProcessImage.variable("container") { environment.append("container=\(container)") }
        try ProcessImage.execute(GuestLayout.systemd, arguments: arguments, environment: environment)
    }
}
