// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Networking
import Testing

/// Rules by which pods tell that they need their bridge's route_localnet.
struct LoopbackAccessTests {
    private let own: PodUUID
    private let other: PodUUID

    init() throws {
        own = try PodUUID(parsing: "11111111-2222-3333-4444-555555555555")
        other = try PodUUID(parsing: "99999999-2222-3333-4444-555555555555")
    }

    /// As `nft list ruleset ip` prints it.
    private func nft(_ table: String, _ rule: String) -> String {
        """
        table ip filter {
        	chain INPUT {
        		type filter hook input priority filter; policy accept;
        	}
        }
        table ip \(table) {
        	chain prerouting {
        		type nat hook prerouting priority dstnat; policy accept;
        		fib daddr type local tcp dport 7070 dnat to 10.77.0.2:8080
        	}

        	chain guard {
        		type filter hook prerouting priority raw; policy accept;
        		\(rule)
        	}
        }
        """
    }

    private static let rule = #"iifname "yard0" ip daddr 127.0.0.0/8 drop"#

    @Test func nftTellsOfAnotherPodOnTheSameBridge() {
        func isGuarded(_ interface: String, _ rules: String) -> Bool {
            LoopbackAccess.isGuarded(interface, nft: rules, besides: own)
        }
        #expect(isGuarded("yard0", nft("rkt-\(other)", Self.rule)))
        #expect(!isGuarded("yard0", nft("rkt-\(own)", Self.rule)))
        #expect(!isGuarded("yard", nft("rkt-\(other)", Self.rule)))
        #expect(!isGuarded("ard0", nft("rkt-\(other)", Self.rule)))
        // Somebody else's rule does not tell of a pod.
        #expect(!isGuarded("yard0", nft("raw", Self.rule)))
        #expect(!isGuarded("yard0", nft("rkt-\(other)", #"iifname "yard0" ip daddr 10.0.0.0/8 drop"#)))
        #expect(isGuarded("yard0", nft("rkt-\(own)", Self.rule) + "\n" + nft("rkt-\(other)", Self.rule)))
        #expect(isGuarded("yard0", nft("rkt-\(other)", Self.rule) + "\n" + nft("rkt-\(own)", Self.rule)))
        #expect(!isGuarded("yard0", ""))
    }

    /// As `iptables-save -t raw` prints it.
    private func iptables(_ rules: String...) -> String {
        (["*raw", ":PREROUTING ACCEPT [0:0]"] + rules + ["COMMIT", ""]).joined(separator: "\n")
    }

    private func rule(_ interface: String, _ comment: String, _ destination: String = "127.0.0.0/8") -> String {
        #"-A PREROUTING -d \#(destination) -i \#(interface) -m comment --comment "\#(comment)" -j DROP"#
    }

    @Test func iptablesTellsOfAnotherPodOnTheSameBridge() {
        func isGuarded(_ interface: String, _ rules: String...) -> Bool {
            LoopbackAccess.isGuarded(
                interface, iptables: iptables(rules.joined(separator: "\n")), besides: own)
        }
        let others = #"rkt id: \"\#(other)\""#
        let owns = #"rkt id: \"\#(own)\""#
        #expect(isGuarded("yard0", rule("yard0", others)))
        #expect(!isGuarded("yard0", rule("yard0", owns)))
        #expect(isGuarded("yard0", rule("yard0", owns), rule("yard0", others)))
        #expect(!isGuarded("yard", rule("yard0", others)))
        #expect(!isGuarded("yard0", rule("yard0", others, "10.0.0.0/8")))
        #expect(!isGuarded("yard0", rule("yard0", "the host's own")))
        #expect(!isGuarded("yard0"))
    }
}
