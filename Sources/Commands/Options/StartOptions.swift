// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Stage0

/// Takes no value, or the name of a network: `--net` is `--net=default`.
package struct NetworkNames: ExpressibleByArgument, ImpliedValue, Equatable, Sendable {
    package let text: String

    package static let impliedValue = "default"

    package init?(argument: String) {
        text = argument
    }
}

/// What is decided when a pod starts, for `run` and `run-prepared`.
package struct StartOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Networks of the pod, as in NETWORK[:KEY=VALUE;...],..., or all for every configured one, or none for a "
                + "loopback interface only (default default).",
            valueName: "networks"))
    package var net: [NetworkNames] = []

    @Option(
        help: ArgumentHelp(
            "Name server for the apps' /etc/resolv.conf; may be repeated. Or host for the host's file, or none for "
                + "the images' own.",
            valueName: "address"))
    package var dns: [String] = []

    @Option(help: ArgumentHelp("Domain for the apps' /etc/resolv.conf.", valueName: "domain"))
    package var dnsDomain: String?

    @Option(
        help: ArgumentHelp(
            "Option of resolv.conf(5) for the apps' /etc/resolv.conf; may be repeated.", valueName: "option"))
    package var dnsOpt: [String] = []

    @Option(
        help: ArgumentHelp("Domain to search, for the apps' /etc/resolv.conf; may be repeated.", valueName: "domain"))
    package var dnsSearch: [String] = []

    @Option(
        help: ArgumentHelp(
            "Line for the apps' /etc/hosts, as in IP=NAME; may be repeated. Or host for the host's file.",
            valueName: "entry"))
    package var hostsEntry: [String] = []

    @Option(help: ArgumentHelp("Host name of the pod, in place of rkt-UUID.", valueName: "name"))
    package var hostname: String?

    @Option(
        help: ArgumentHelp(
            "IPC namespace of the pod: auto or private; parent is refused, as the pod has a kernel of its own.",
            valueName: "mode"), completion: .list(["auto", "private"]))
    package var ipc: String?

    @Flag(help: "Give the pod's only app this terminal.")
    package var interactive = false

    @Flag(help: "Register the pod with the metadata service, which has to be there.")
    package var mdsRegister = false

    @Option(
        help: ArgumentHelp(
            "Print what machine the pod would get and what becomes of its isolators, and start nothing: text, json or "
                + "json-pretty.",
            valueName: "format"))
    package var dryRun: PreviewFormat?

    package init() {}

    package var options: RunOptions {
        var options = RunOptions()
        if !net.isEmpty { options.networks = net.map(\.text) }
        options.names.servers = dns
        options.names.domain = dnsDomain
        options.names.resolverOptions = dnsOpt
        options.names.searchDomains = dnsSearch
        options.names.hostsEntries = hostsEntry
        options.hostname = hostname
        options.ipc = ipc
        options.isInteractive = interactive
        options.registersWithMetadata = mdsRegister
        return options
    }
}
