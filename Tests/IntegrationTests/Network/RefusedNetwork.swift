// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Something about a pod's networks that cannot be, and what the user is told.
struct RefusedNetwork {
    /// The flags of `rkt run`.
    let flags: [String]
    /// Parts of the one line on standard error; `NET.D` stands for the directory.
    let words: [String]
    /// Files of networks, by name.
    var files: [String: String] = [:]
    /// What a plugin `odd` does, as a shell script.
    var plugin: String?
    /// What is done to the host before.
    var arrangement = ":"

    init(
        _ flags: String..., files: [String: String] = [:], plugin: String? = nil, arrangement: String = ":",
        words: [String]
    ) {
        self.flags = flags
        self.words = words
        self.files = files
        self.plugin = plugin
        self.arrangement = arrangement
    }

    /// A network of the plugin `odd`, which answers ADD with a text.
    static func answering(_ text: String, words: [String]) -> RefusedNetwork {
        odd("[ $CNI_COMMAND = ADD ] || exit 0\ncat <<'END'\n\(text)\nEND", words: ["\"odd\" of network \"n\""] + words)
    }

    static func odd(_ plugin: String, words: [String]) -> RefusedNetwork {
        RefusedNetwork(
            "--net=n", files: ["10-n.conf": #"{"cniVersion":"0.4.0","name":"n","type":"odd"}"#], plugin: plugin,
            words: words)
    }

    private static func network(_ text: String, words: [String]) -> RefusedNetwork {
        RefusedNetwork("--net=n", files: ["10-n.conf": text], words: words)
    }

    static let selections: [RefusedNetwork] =
        [
            RefusedNetwork(
                "--net=nowhere", words: ["failed to setup network: networks not found: nowhere", "default", "NET.D"]),
            RefusedNetwork("--net=default,default", words: ["\"default\" is given more than once"]),
            RefusedNetwork("--net=default", "--net=default", words: ["\"default\" is given more than once"]),
            RefusedNetwork("--net=none,default", words: ["--net=none excludes all other networks"]),
            RefusedNetwork("--net=all", words: ["no network is configured", "NET.D"]),
            RefusedNetwork("--net=a/b", words: ["\"a/b\" is not the name of a network"]),
            RefusedNetwork("--net=default:IP", words: ["\"IP\" of network \"default\" is not KEY=VALUE"]),
            RefusedNetwork("--net=default:IP=1;IP=2", words: ["IP of network \"default\" is given more than once"]),
        ]
        + (TestedStage1.has(.ownKernel) ? [RefusedNetwork("--net=host", words: ["--net=host", "--net=default"])] : [])

    static let files: [RefusedNetwork] = [
        network("{\n  \"name\": \"n\",\n  \"type\" \"ptp\"\n}", words: ["NET.D/10-n.conf", "not JSON", "line 3"]),
        network("", words: ["NET.D/10-n.conf", "not JSON", "empty"]),
        network("[]", words: ["NET.D/10-n.conf", "object"]),
        network(#"{"name":"n"}"#, words: ["NET.D/10-n.conf", "type", "missing"]),
        network(#"{"type":"ptp"}"#, words: ["NET.D/10-n.conf", "name", "missing"]),
        network(#"{"name":"n/m","type":"ptp"}"#, words: ["NET.D/10-n.conf", "name", "n/m"]),
        network(#"{"name":"host","type":"ptp"}"#, words: ["NET.D/10-n.conf", "\"host\" cannot be the name"]),
        network(#"{"name":"n","type":"../ptp"}"#, words: ["NET.D/10-n.conf", "type", "../ptp"]),
        network(
            #"{"cniVersion":"9.0.0","name":"n","type":"ptp"}"#,
            words: ["NET.D/10-n.conf", "cniVersion", "9.0.0", "use one of", "0.4.0"]),
        network(#"{"name":"n","type":"ptp","ipMasq":"yes"}"#, words: ["NET.D/10-n.conf", "ipMasq"]),
        network(#"{"name":"n","plugins":[{"type":"ptp"}]}"#, words: ["NET.D/10-n.conf", ".conflist"]),
        network(String(repeating: " ", count: 1 << 20) + "{}", words: ["NET.D/10-n.conf"]),
        RefusedNetwork(
            "--net=n",
            files: [
                "10-n.conf": #"{"name":"n","type":"ptp"}"#, "20-n.conf": #"{"name":"n","type":"bridge"}"#,
            ], words: ["NET.D/10-n.conf", "NET.D/20-n.conf", "\"n\""]),
        RefusedNetwork("--net=default", files: ["10-n.conf": "{"], words: ["NET.D/10-n.conf", "line 1"]),
        RefusedNetwork(
            "--net=default", arrangement: "ln -s nowhere NET.D/10-n.conf", words: ["NET.D/10-n.conf"]),
    ]

    static let addresses: [RefusedNetwork] = [
        RefusedNetwork(
            "--net=default:IP=10.0.0.9",
            words: ["requested IP address \"10.0.0.9\" is not available in network: default"]),
        RefusedNetwork(
            "--net=default:IP=172.16.28.5",
            arrangement:
                "mkdir -p /var/lib/cni/networks/default; echo other >/var/lib/cni/networks/default/172.16.28.5",
            words: ["requested IP address \"172.16.28.5\" is not available in network: default"]),
        RefusedNetwork("--net=default:IP=here", words: ["plugin \"ptp\" of network \"default\"", "here"]),
        RefusedNetwork(
            "--net=n",
            files: [
                "10-n.conf":
                    #"{"name":"n","type":"ptp","ipam":{"type":"host-local","subnet":"10.99.0.0/30"}}"#
            ],
            arrangement: "mkdir -p /var/lib/cni/networks/n; echo other >/var/lib/cni/networks/n/10.99.0.2",
            words: ["plugin \"ptp\" of network \"n\"", "no IP addresses available"]),
        network(
            #"{"name":"n","type":"ptp","ipam":{"type":"host-local","subnet":"10.99.0.0/64"}}"#,
            words: ["plugin \"ptp\" of network \"n\"", "10.99.0.0/64"]),
        network(
            #"{"name":"n","type":"macvlan","master":"nosuch0"}"#,
            words: ["\"n\" is on the interface \"nosuch0\", which the host does not have"]),
        network(#"{"name":"n","type":"macvlan","master":"lo","mode":"odd"}"#, words: ["\"n\" has the mode \"odd\""]),
        network(
            #"{"name":"n","type":"macvlan","master":"lo","ipam":{"type":"dhcp"}}"#,
            words: ["network \"n\" asks for addresses by dhcp", "use host-local"]),
    ]

    static let plugins: [RefusedNetwork] = [
        network(
            #"{"name":"n","type":"nosuch"}"#,
            words: [
                "plugin \"nosuch\" of network \"n\" is not installed", "install containernetworking-plugins",
                "/usr/lib/cni",
            ]),
        network(#"{"name":"n","type":"ptp","ipam":{"type":"nosuch"}}"#, words: ["network \"n\"", "nosuch"]),
        answering("hello", words: ["gave a result that cannot be read", "line 1"]),
        answering("", words: ["gave a result that cannot be read", "empty"]),
        answering(#"{"cniVersion":"0.4.0"}"#, words: ["has made no interface eth0"]),
        answering(#"{"interfaces":[{"name":"a/b"}]}"#, words: ["interfaces[0].name", "a/b"]),
        answering(#"{"interfaces":[{"name":"eth0","mac":"here"}]}"#, words: ["interfaces[0].mac", "here"]),
        answering(#"{"ips":[{"address":"10.1.2.300/24"}]}"#, words: ["ips[0].address", "10.1.2.300/24"]),
        answering(#"{"ips":[{"address":"10.1.2.3/24","gateway":"fd00::1"}]}"#, words: ["ips[0].gateway", "family"]),
        answering(#"{"ips":[{"address":"10.1.2.3/24","interface":7}]}"#, words: ["ips[0].interface", "7"]),
        answering(#"{"routes":[{"dst":"nowhere"}]}"#, words: ["routes[0].dst", "nowhere"]),
        answering(#"{"dns":{"nameservers":["a b"]}}"#, words: ["dns.nameservers[0]", "a b"]),
        odd(
            #"printf '%s' '{"cniVersion":"0.4.0","code":100,"msg":"no\u0007 way\nhere"}'; exit 1"#,
            words: ["ADD of plugin \"odd\" of network \"n\" failed: no way here"]),
        odd(
            "[ $CNI_COMMAND = DEL ] || exec yes", words: ["\"odd\" of network \"n\" failed", "more than 1048576 bytes"]),
        odd("[ $CNI_COMMAND = DEL ] || kill -9 $$", words: ["\"odd\" of network \"n\" failed", "signal 9"]),
        odd(
            "[ $CNI_COMMAND = DEL ] || { sleep 1000 & sleep 1000; }",
            words: ["\"odd\" of network \"n\" failed", "did not end within 2000 milliseconds"]),
    ]
}
