// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

/// Isolators, in the app section and at the level of the pod, which have the same rules.
struct SchemaIsolatorTests {
    private static let resources = ["resource/cpu", "resource/memory"]
    private static let rates = ["resource/block-bandwidth", "resource/block-iops", "resource/network-bandwidth"]

    private func expect(_ name: String, _ value: String, isAccepted: Bool) {
        let list = #""isolators":[{"name":"\#(name)","value":\#(value)}]"#
        #expect(SchemaSample.readsImage(SchemaSample.app(list)) == isAccepted, "\(name) \(value) in an app")
        #expect(SchemaSample.readsPod(SchemaSample.pod(list)) == isAccepted, "\(name) \(value) in a pod")
    }

    @Test(arguments: [
        ("{}", true), (#"{"limit":"1"}"#, true), (#"{"request":"1"}"#, true), (#"{"request":"2","limit":"1"}"#, true),
        (#"{"limit":null}"#, true), (#"{"limit":1}"#, true), (#"{"limit":0.5}"#, true), (#"{"limit":" 1Ki "}"#, true),
        (#"{"default":false,"limit":"1"}"#, true), (#"{"default":null}"#, true), (#"{"default":true}"#, false),
        (#"{"limit":"-1"}"#, false), (#"{"limit":-1}"#, false), (#"{"limit":"1K"}"#, false), (#"{"limit":""}"#, false),
        (#"{"limit":"."}"#, false), (#"{"limit":"1 G"}"#, false), (#"{"limit":[]}"#, false), ("1", false),
        (#""1""#, false), ("null", false), ("[]", false),
    ])
    func amounts(value: String, isAccepted: Bool) {
        for name in SchemaIsolatorTests.resources { expect(name, value, isAccepted: isAccepted) }
    }

    @Test(arguments: [
        (#"{"default":true,"limit":"1G"}"#, true), (#"{"default":true}"#, true), (#"{"default":true,"limit":5}"#, true),
        (#"{"default":true,"request":null,"limit":"1"}"#, true), (#"{"limit":"1"}"#, false), ("{}", false),
        (#"{"default":false,"limit":"1"}"#, false), (#"{"default":"true","limit":"1"}"#, false),
        (#"{"default":true,"request":"1","limit":"1"}"#, false), ("true", false),
    ])
    func rates(value: String, isAccepted: Bool) {
        for name in SchemaIsolatorTests.rates { expect(name, value, isAccepted: isAccepted) }
    }

    @Test(arguments: [
        (#"{"set":["CAP_KILL"]}"#, true), (#"{"set":["CAP_KILL","CAP_KILL"]}"#, true), (#"{"set":["anything"]}"#, true),
        (#"{"set":[]}"#, false), (#"{"set":null}"#, false), ("{}", false), (#"["CAP_KILL"]"#, false),
        (#"{"set":"CAP_KILL"}"#, false), (#"{"set":[1]}"#, false),
    ])
    func capabilities(value: String, isAccepted: Bool) {
        for mode in ["retain", "remove"] {
            expect("os/linux/capabilities-\(mode)-set", value, isAccepted: isAccepted)
        }
    }

    @Test(arguments: [
        (#"{"set":["reboot"]}"#, true), (#"{"set":["reboot"],"errno":"EPERM"}"#, true),
        (#"{"set":["reboot"],"errno":""}"#, true), (#"{"set":["reboot"],"errno":null}"#, true),
        (#"{"set":["@docker/default"],"errno":"E2BIG"}"#, true), (#"{"set":["a"],"errno":"E"}"#, true),
        (#"{"set":["a"],"errno":"EACCESS"}"#, true), (#"{"set":["a"],"errno":"PERM"}"#, false),
        (#"{"set":["a"],"errno":"Eperm"}"#, false), (#"{"set":["a"],"errno":"E_A"}"#, false),
        (#"{"set":["a"],"errno":"EÀ"}"#, false), (#"{"set":["a"],"errno":1}"#, false), (#"{"set":[]}"#, false),
        (#"{"errno":"EPERM"}"#, false),
    ])
    func systemCalls(value: String, isAccepted: Bool) {
        for mode in ["retain", "remove"] { expect("os/linux/seccomp-\(mode)-set", value, isAccepted: isAccepted) }
    }

    @Test(arguments: [
        ("retain", "@appc.io/all", true), ("retain", "@appc.io/empty", false), ("remove", "@appc.io/all", false),
        ("remove", "@appc.io/empty", true),
    ])
    func reservedWildcards(mode: String, wildcard: String, isAccepted: Bool) {
        expect("os/linux/seccomp-\(mode)-set", #"{"set":["read","\#(wildcard)"]}"#, isAccepted: isAccepted)
    }

    @Test(arguments: [
        ("os/linux/no-new-privileges", "true", true), ("os/linux/no-new-privileges", "false", true),
        ("os/linux/no-new-privileges", "1", false), ("os/linux/no-new-privileges", "\"true\"", false),
        ("os/linux/no-new-privileges", "{}", false), ("os/linux/apparmor-profile", #"{"profile":"p"}"#, true),
        ("os/linux/apparmor-profile", #"{"profile":""}"#, false), ("os/linux/apparmor-profile", "{}", false),
        ("os/linux/oom-score-adj", "-1000", true), ("os/linux/oom-score-adj", "1000", true),
        ("os/linux/oom-score-adj", "-1001", false), ("os/linux/oom-score-adj", "1001", false),
        ("os/linux/oom-score-adj", "0.5", false), ("os/linux/oom-score-adj", "\"0\"", false),
        ("os/linux/cpu-shares", "2", true), ("os/linux/cpu-shares", "262144", true),
        ("os/linux/cpu-shares", "1", false), ("os/linux/cpu-shares", "262145", false),
        ("os/linux/cpu-shares", "\"1024\"", false), ("os/unix/sysctl", "{}", true),
        ("os/unix/sysctl", #"{"net.ipv4.tcp_fin_timeout":"6"}"#, true), ("os/unix/sysctl", #"{"a":6}"#, false),
        ("os/unix/sysctl", #"["a"]"#, false), ("example.com/unknown", #"{"any":["thing"]}"#, true),
        ("Bad", "1", false), ("", "1", false),
    ])
    func otherValues(name: String, value: String, isAccepted: Bool) { expect(name, value, isAccepted: isAccepted) }

    @Test(arguments: ["user", "role", "type", "level"])
    func everyPartOfAContextIsNeeded(part: String) {
        let context = { (value: String?) in
            let parts = ["user", "role", "type", "level"].compactMap { key in
                let text = key == part ? value : "s0"
                return text.map { #""\#(key)":"\#($0)""# }
            }
            return "{\(parts.joined(separator: ","))}"
        }
        expect("os/linux/selinux-context", context("x"), isAccepted: true)
        expect("os/linux/selinux-context", context(""), isAccepted: false)
        expect("os/linux/selinux-context", context(nil), isAccepted: false)
        expect("os/linux/selinux-context", context("a:b"), isAccepted: part == "level")
    }
}
