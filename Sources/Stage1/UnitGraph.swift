// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemdUnits

/// The units of a pod, as the architecture document of the system describes them:
///
/// - `default.target` wants every app's service and `supervisor-ready.service`;
/// - each app wants its reaper, each reaper wants `shutdown.service`; reapers and shutdown start at once, do nothing, and
///   stop when nobody needs them any more: a reaper delivers its app's status then, the shutdown powers the machine off;
/// - an app that fails starts `halt.target`, which conflicts with apps and reapers, so that all of them stop.
///
/// In a mutable pod nothing wants an app, and `default.target` alone holds `shutdown.service`: only a stop ends the pod.
package struct UnitGraph {
    /// Seconds an app has between SIGTERM and SIGKILL.
    package static let stopSeconds = 10
    private static let program = "/usr/lib/rkt/rkt-guest"

    package struct App: Equatable, Sendable {
        package var name: String
        package var hasPreStart: Bool
        package var hasPostStop: Bool
        /// Bytes, for MemoryMax=.
        package var memoryLimit: Int64?
        /// Thousandths of one processor, for CPUQuota=.
        package var cpuQuota: Int64?
        package var cpuShares: Int?
        package var oomScoreAdjust: Int?
        /// Whether the app can use only devices that reach nothing outside of it.
        package var restrictsDevices: Bool
        /// Further devices that it can use then, as DeviceAllow= takes them.
        package var allowedDevices: [String] = []
        /// Whether the app has been started only when it says so (sd_notify(3)).
        package var supportsNotify = false
        /// Microseconds in which such an app has to give a sign of life; nil where nobody waits for one.
        package var watchdog: Int?

        package init(
            name: String, hasPreStart: Bool = false, hasPostStop: Bool = false, memoryLimit: Int64? = nil,
            cpuQuota: Int64? = nil, cpuShares: Int? = nil, oomScoreAdjust: Int? = nil,
            restrictsDevices: Bool = true
        ) {
            self.name = name
            self.hasPreStart = hasPreStart
            self.hasPostStop = hasPostStop
            self.memoryLimit = memoryLimit
            self.cpuQuota = cpuQuota
            self.cpuShares = cpuShares
            self.oomScoreAdjust = oomScoreAdjust
            self.restrictsDevices = restrictsDevices
        }
    }

    package let apps: [App]
    package let isMutable: Bool

    package init(apps: [App], isMutable: Bool = false) {
        self.apps = apps
        self.isMutable = isMutable
    }

    /// Names of services that the guest has of its own; no app may be called so.
    package static let reservedNames: Set<String> = [
        "power-off", "rkt-agent", "shutdown", "stopping", "supervisor-ready", "systemd-journald",
    ]

    package var units: [UnitFile] { [defaultTarget] + appUnits }

    /// Those of the apps alone, for apps that come later.
    package var appUnits: [UnitFile] { apps.flatMap { [service($0), reaper($0)] } }

    private var defaultTarget: UnitFile {
        let services = isMutable ? [] : apps.map { "\($0.name).service" }
        var settings = [
            UnitFile.Setting("Description", "Apps of the pod"),
            UnitFile.Setting("DefaultDependencies", "no"),
            UnitFile.Setting("AllowIsolate", "yes"),
            UnitFile.Setting("Wants", "systemd-journald.service"),
        ]
        settings += services.flatMap { [UnitFile.Setting("Wants", $0), UnitFile.Setting("After", $0)] }
        settings += [.init("Wants", "rkt-agent.service"), .init("Wants", "supervisor-ready.service")]
        if isMutable {
            settings += [
                .init("Wants", "shutdown.service"), .init("Conflicts", "halt.target poweroff.target"),
                .init("Before", "halt.target poweroff.target"),
            ]
        }
        return UnitFile(name: "default.target", sections: [.init("Unit", settings)])
    }

    private func service(_ app: App) -> UnitFile {
        var unit: [UnitFile.Setting] = [
            .init("Description", "App \(app.name)"),
            .init("DefaultDependencies", "no"),
            // Not the journal: its sockets keep what the app writes until it runs.
            .init("Requires", "rkt-agent.service"),
            .init("After", "rkt-agent.service systemd-journald.socket"),
            .init("Wants", "reaper-\(app.name).service"),
            .init("After", "reaper-\(app.name).service"),
            .init("Before", "supervisor-ready.service"),
            .init("Conflicts", "halt.target poweroff.target"),
            .init("Before", "halt.target poweroff.target"),
        ]
        if !isMutable {
            unit += [.init("OnFailure", "halt.target"), .init("OnFailureJobMode", "replace-irreversibly")]
        }
        var service: [UnitFile.Setting] = [
            .init("Type", app.supportsNotify ? "notify" : "simple"),
            .init("Restart", "no"),
            .init("ExecStart", command("exec", app.name)),
        ]
        if app.supportsNotify {
            service.append(.init("NotifyAccess", "all"))
            if let watchdog = app.watchdog { service.append(.init("WatchdogSec", "\(watchdog)us")) }
        }
        if app.hasPreStart { service.append(.init("ExecStartPre", command("pre-start", app.name))) }
        // First, since systemd leaves out what follows a command that fails or takes too long.
        service.append(.init("ExecStopPost", command("record", app.name)))
        if app.hasPostStop { service.append(.init("ExecStopPost", "-" + command("post-stop", app.name))) }
        service += [
            .init("SyslogIdentifier", app.name),
            .init("StandardInput", "null"),
            .init("StandardOutput", "journal"),
            .init("StandardError", "journal"),
            // A line that begins with "<3>" keeps that.
            .init("SyslogLevelPrefix", "no"),
            .init("KillMode", "mixed"),
            // A child killed for lack of memory is the app's own affair.
            .init("OOMPolicy", "continue"),
            .init("TimeoutStartSec", "infinity"),
            .init("TimeoutStopSec", "\(Self.stopSeconds)"),
        ]
        if app.restrictsDevices {
            service += [
                // /dev/null and its like, terminals, and this one.
                .init("DevicePolicy", "closed"), .init("DeviceAllow", "/dev/net/tun rwm"),
                .init("DeviceAllow", "char-pts rw"),
            ]
            service += app.allowedDevices.map { .init("DeviceAllow", $0) }
        }
        if let limit = app.memoryLimit { service.append(.init("MemoryMax", "\(limit)")) }
        if let quota = app.cpuQuota { service.append(.init("CPUQuota", "\(quota / 10).\(quota % 10)%")) }
        if let shares = app.cpuShares { service.append(.init("CPUShares", "\(shares)")) }
        if let adjust = app.oomScoreAdjust { service.append(.init("OOMScoreAdjust", "\(adjust)")) }
        return UnitFile(name: "\(app.name).service", sections: [.init("Unit", unit), .init("Service", service)])
    }

    private func reaper(_ app: App) -> UnitFile {
        UnitFile(
            name: "reaper-\(app.name).service",
            sections: [
                .init(
                    "Unit",
                    [
                        .init("Description", "Reaper of app \(app.name)"),
                        .init("DefaultDependencies", "no"),
                        .init("StopWhenUnneeded", "yes"),
                        .init("Requires", "rkt-agent.service"),
                    ] + (isMutable ? [] : [.init("Wants", "shutdown.service")]) + [
                        .init("After", "shutdown.service rkt-agent.service"),
                        .init("Conflicts", "halt.target poweroff.target"),
                        .init("Before", "halt.target poweroff.target"),
                    ]),
                .init(
                    "Service",
                    [
                        .init("Type", "oneshot"),
                        .init("RemainAfterExit", "yes"),
                        .init("ExecStop", command("reap", app.name)),
                        // Until the caller has taken the app's last line; a stop asked for has a deadline on the host.
                        .init("TimeoutStopSec", "infinity"),
                    ]),
            ])
    }

    private func command(_ verb: String, _ app: String) -> String {
        UnitCommand([Self.program, verb, app]).rendered
    }
}
