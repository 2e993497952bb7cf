// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#if Libvirt
    import CLibvirt
    import Diagnostics
    import DomainKeeper
    @preconcurrency import Glibc
    import LinuxPlatform
    import SystemPackage

    /// One connection to libvirt and the domain that lives as long as it does.
    ///
    /// Everything but the frames happens in one thread, in libvirt's own event loop.
    final class LibvirtSession {
        private let arguments: KeeperArguments
        private let channel = KeeperChannel(KeeperArguments.channel)
        private var connection: virConnectPtr?
        private var domain: virDomainPtr?
        /// The program's exit status, once the domain has ended.
        private var status: Int32?
        private var powerButtonIsDue = false
        /// Whether the guest has powered off, restarted or panicked: libvirt then ends its QEMU.
        private var guestHasEnded = false

        /// Bytes of a domain's description.
        private static let longestDescription = 1 << 20

        private init(_ arguments: KeeperArguments) { self.arguments = arguments }

        /// - Returns: the program's exit status: 0 when the guest has ended by itself.
        static func run(_ words: [String]) -> Int32 {
            signal(SIGPIPE, SIG_IGN)
            let channel = KeeperChannel(KeeperArguments.channel)
            do {
                let session = LibvirtSession(try KeeperArguments(parsing: words))
                return try withExtendedLifetime(session) { try session.run() }
            } catch {
                channel.sendFailure("\(error)")
                return 1
            }
        }

        private func run() throws -> Int32 {
            let description = try FileSystem.read(
                KeeperArguments.description, "the domain", limit: Self.longestDescription)
            let exchanges = try arguments.interfaces.map { interface in
                let tap = FileDescriptor(rawValue: interface.tap)
                return try FrameExchange(
                    tap: tap, listener: FileDescriptor(rawValue: interface.listener),
                    headerSize: TapDevice.makePlain(tap))
            }
            try connect()
            try watch()
            try FrameExchange.run(exchanges)
            try create(String(decoding: description, as: UTF8.self))
            while status == nil {
                guard virEventRunDefaultImpl() == 0 else { throw failure("libvirt's event loop has ended") }
                pressPowerButton()
            }
            return status ?? 1
        }

        // MARK: - Steps

        private func connect() throws {
            // Errors are asked for where they matter; libvirt would print them, too.
            virSetErrorFunc(nil) { _, _ in }
            guard virInitialize() == 0, virEventRegisterDefaultImpl() == 0 else {
                throw failure("cannot use libvirt")
            }
            connection = virConnectOpen(arguments.address)
            guard let connection else {
                throw failure(
                    "libvirt cannot be reached at \(arguments.address)",
                    remedy: "start it (systemctl start libvirtd), or use another \"backend\"")
            }
            guard let type = virConnectGetType(connection), String(cString: type) == "QEMU" else {
                throw RuntimeError(
                    .unsupported,
                    "libvirt at \(arguments.address) does not run QEMU; set LIBVIRT_DEFAULT_URI to another one, or leave it out"
                )
            }
        }

        /// libvirt's callbacks hand this object back.
        private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

        private static func session(_ context: UnsafeMutableRawPointer?) -> LibvirtSession? {
            // SAFETY: the object lives as long as the event loop runs, in `run()`.
            context.map { Unmanaged<LibvirtSession>.fromOpaque($0).takeUnretainedValue() }
        }

        private func watch() throws {
            let closed = virConnectRegisterCloseCallback(
                connection, { _, _, context in LibvirtSession.session(context)?.lostLibvirt() }, context, nil)
            guard closed == 0 else { throw failure("libvirt does not tell when it ends") }
            let events = virConnectDomainQemuMonitorEventRegister(
                connection, nil, nil,
                { _, domain, name, _, _, details, context in
                    guard let session = LibvirtSession.session(context), session.isOurs(domain), let name else {
                        return
                    }
                    session.report(String(cString: name), details.map { String(cString: $0) })
                }, context, nil, 0)
            guard events >= 0 else { throw failure("libvirt does not pass on what QEMU tells") }
            let life = rkt_watch_life_cycle(
                connection,
                { _, domain, event, detail, context in
                    guard let session = LibvirtSession.session(context), session.isOurs(domain) else { return 0 }
                    session.changed(virDomainEventType(UInt32(bitPattern: event)), detail)
                    return 0
                }, context)
            guard life >= 0 else { throw failure("libvirt does not tell of domains") }
            let commands = virEventAddHandle(
                KeeperArguments.channel.rawValue, Int32(VIR_EVENT_HANDLE_READABLE.rawValue),
                { _, _, _, context in LibvirtSession.session(context)?.receive() }, context, nil)
            guard commands >= 0 else { throw failure("libvirt's event loop takes no descriptor") }
        }

        private func create(_ description: String) throws {
            // The domain is not kept in libvirt's configuration, and is destroyed when this connection is gone.
            domain = virDomainCreateXML(connection, description, VIR_DOMAIN_START_AUTODESTROY.rawValue)
            guard domain != nil else { throw failure("libvirt cannot make the machine") }
            var hypervisor: UInt = 0
            var library: UInt = 0
            _ = virConnectGetVersion(connection, &hypervisor)
            _ = virConnectGetLibVersion(connection, &library)
            channel.sendStarted(hypervisor: hypervisor, library: library)
        }

        /// In the loop and not in a callback, as libvirt asks for: it waits for an answer.
        private func pressPowerButton() {
            guard powerButtonIsDue, let domain else { return }
            powerButtonIsDue = false
            if virDomainShutdownFlags(domain, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN.rawValue) < 0 {
                say("cannot press the power button: \(Self.lastWords)")
            }
        }

        // MARK: - What happens

        private func isOurs(_ domain: virDomainPtr?) -> Bool {
            guard let domain, let name = virDomainGetName(domain) else { return false }
            return String(cString: name) == arguments.name
        }

        private func receive() {
            for command in channel.receive() {
                switch command {
                case .powerButton: powerButtonIsDue = true
                case .end: end(1, nil)
                }
            }
        }

        private func report(_ event: String, _ details: String?) {
            channel.sendEvent(event, details: details)
            switch event {
            case "GUEST_PANICKED": guestHasEnded = true
            case "SHUTDOWN":
                let isGuests = KeeperChannel.isOfGuest(details)
                guestHasEnded = guestHasEnded || isGuests
                // QEMU was told to end, not by its guest; libvirt's own word comes when all is cleaned up.
                if !guestHasEnded { end(1, "the domain was ended on the host, as \"virsh destroy\" does it") }
            default: break
            }
        }

        private func changed(_ event: virDomainEventType, _ detail: Int32) {
            guard event == VIR_DOMAIN_EVENT_STOPPED else { return }
            switch virDomainEventStoppedDetailType(UInt32(bitPattern: detail)) {
            case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: end(0, nil)
            case VIR_DOMAIN_EVENT_STOPPED_DESTROYED: end(1, "the domain was destroyed")
            case VIR_DOMAIN_EVENT_STOPPED_CRASHED: end(1, "libvirt has seen the guest crash")
            case VIR_DOMAIN_EVENT_STOPPED_FAILED: end(1, "the domain's QEMU has ended without being told to")
            default: end(1, "the domain was stopped (libvirt's detail \(detail))")
            }
        }

        /// QEMU goes on without libvirt, and nobody would see it, or end it. The supervisor does.
        private func lostLibvirt() {
            end(1, "libvirtd has closed its connection, and so the machine is ended")
        }

        private func end(_ status: Int32, _ words: String?) {
            guard self.status == nil else { return }
            self.status = status
            if let words { say(words) }
        }

        // MARK: - Words

        private func say(_ words: String) { fputs("libvirt: \(words)\n", stderr) }

        private static var lastWords: String {
            guard let error = virGetLastErrorMessage() else { return "no reason given" }
            return String(PrintableText.line(String(cString: error)).prefix(1000))
        }

        private func failure(_ what: String, remedy: String? = nil) -> RuntimeError {
            RuntimeError(.internal, "\(what): \(Self.lastWords)" + (remedy.map { "; \($0)" } ?? ""))
        }
    }
#endif
