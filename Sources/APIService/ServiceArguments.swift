// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import RktAPI
import Stage0
import SystemPackage

/// The arguments of the program, which `rkt api-service` passes: `--NAME=VALUE` each.
package struct ServiceArguments: Sendable, Equatable {
    package var directory = "/var/lib/rkt"
    package var systemConfiguration = "/usr/lib/rkt"
    package var localConfiguration = "/etc/rkt"
    package var userConfiguration = ""
    package var insecureOptions = "none"
    package var trustsKeysFromHTTPS = false
    package var isDebug = false
    package var listen: [ListenAddress] = []

    package init(_ words: [String]) throws {
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : nil
            switch (parts[0], value) {
            case ("--dir", let value?): directory = value
            case ("--system-config", let value?): systemConfiguration = value
            case ("--local-config", let value?): localConfiguration = value
            case ("--user-config", let value?): userConfiguration = value
            case ("--insecure-options", let value?): insecureOptions = value
            case ("--trust-keys-from-https", nil): trustsKeysFromHTTPS = true
            case ("--debug", nil): isDebug = true
            case ("--listen", let value?): listen.append(try ListenAddress(parsing: value))
            default:
                throw RuntimeError(
                    .invalidArgument, "\"\(word)\" is not an argument of this program; start it with rkt api-service")
            }
        }
    }

    package var settings: Settings {
        Settings(
            dataDirectory: FilePath(directory), systemConfiguration: FilePath(systemConfiguration),
            localConfiguration: FilePath(localConfiguration),
            userConfiguration: userConfiguration.isEmpty ? nil : FilePath(userConfiguration), isDebug: isDebug)
    }

    /// What `GetInfo` says of them.
    package var flags: V1alpha_GlobalFlags {
        var flags = V1alpha_GlobalFlags()
        flags.dir = directory
        flags.systemConfigDir = systemConfiguration
        flags.localConfigDir = localConfiguration
        flags.userConfigDir = userConfiguration
        flags.insecureFlags = insecureOptions
        flags.trustKeysFromHTTPS = trustsKeysFromHTTPS
        return flags
    }

    /// The sockets of systemd, or those that are made here. Call it before there are threads.
    func sockets() throws -> [ListeningSocket] {
        let passed = try ListeningSocket.passed()
        guard !passed.isEmpty else {
            var sockets: [ListeningSocket] = []
            do {
                for address in listen.isEmpty ? [.standard] : listen { sockets += try address.listen() }
            } catch {
                for socket in sockets { socket.removePath() }
                throw error
            }
            return sockets
        }
        guard listen.isEmpty else {
            throw RuntimeError(
                .invalidArgument,
                "--listen does not go with the sockets that systemd passes; leave it out, or stop the socket unit")
        }
        return passed
    }
}
