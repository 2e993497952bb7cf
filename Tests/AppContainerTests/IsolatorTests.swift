// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct IsolatorTests {
    @Test(arguments: [
        ("resource/cpu", #"{"request":"250m","limit":"500m"}"#), ("resource/cpu", "{}"),
        ("resource/memory", #"{"limit":"1G","default":false}"#), ("resource/memory", #"{"limit":5,"request":null}"#),
        ("resource/memory", #"{"limit":" 1G "}"#), ("resource/memory", #"{"limit":1.5e3}"#),
        ("resource/memory", #"{"request":"2G","limit":"1G"}"#),
        ("resource/block-bandwidth", #"{"default":true,"limit":"2M"}"#),
        ("resource/block-iops", #"{"default":true,"limit":"1k"}"#), ("resource/block-iops", #"{"default":true}"#),
        ("resource/network-bandwidth", #"{"default":true,"limit":"1G","request":null}"#),
        ("os/linux/capabilities-retain-set", #"{"set":["CAP_KILL"]}"#),
        ("os/linux/capabilities-remove-set", #"{"set":["CAP_FUTURE"]}"#),
        ("os/linux/seccomp-retain-set", #"{"set":["@appc.io/all"]}"#),
        ("os/linux/seccomp-remove-set", #"{"set":["reboot","@appc.io/empty"],"errno":"EACCESS"}"#),
        ("os/linux/seccomp-remove-set", #"{"set":["reboot"],"errno":""}"#), ("os/linux/no-new-privileges", "false"),
        ("os/linux/selinux-context", #"{"user":"u","role":"r","type":"t","level":"s0:c1"}"#),
        ("os/linux/apparmor-profile", #"{"profile":"p"}"#), ("os/linux/oom-score-adj", "-1000"),
        ("os/linux/cpu-shares", "262144"), ("os/unix/sysctl", "{}"),
        ("os/unix/sysctl", #"{"net.ipv4.tcp_fin_timeout":"6"}"#), ("example.com/unknown", "17"),
    ])
    func validValuesAreKeptAsTheyAre(name: String, value: String) throws {
        let isolator = try Isolator(name: name, value: JSONValue(parsing: value.utf8))
        #expect(isolator.value.encoded() == value)
        #expect((isolator.kind == nil) == (name == "example.com/unknown"))
    }

    @Test(arguments: [
        ("resource/cpu", "1"), ("resource/cpu", #"{"limit":"-1"}"#), ("resource/cpu", #"{"limit":"1K"}"#),
        ("resource/cpu", #"{"default":true,"limit":"1"}"#), ("resource/cpu", #"{"limit":"12E"}"#),
        ("resource/memory", #"{"limit":true}"#), ("resource/memory", #"{"limit":""}"#), ("resource/memory", "null"),
        ("resource/block-bandwidth", #"{"limit":"2M"}"#),
        ("resource/block-iops", #"{"default":true,"request":"1","limit":"1"}"#),
        ("resource/network-bandwidth", #"{"default":false,"limit":"1"}"#),
        ("os/linux/capabilities-retain-set", "{}"), ("os/linux/capabilities-retain-set", #"{"set":[]}"#),
        ("os/linux/capabilities-remove-set", #"["CAP_KILL"]"#), ("os/linux/seccomp-retain-set", #"{"set":[]}"#),
        ("os/linux/seccomp-retain-set", #"{"set":["@appc.io/empty"]}"#),
        ("os/linux/seccomp-remove-set", #"{"set":["@appc.io/all"]}"#),
        ("os/linux/seccomp-remove-set", #"{"set":["a"],"errno":"eperm"}"#),
        ("os/linux/seccomp-remove-set", #"{"set":["a"],"errno":"EÄ"}"#), ("os/linux/no-new-privileges", "\"true\""),
        ("os/linux/selinux-context", #"{"user":"u","role":"r","type":"t"}"#),
        ("os/linux/selinux-context", #"{"user":"u:v","role":"r","type":"t","level":"l"}"#),
        ("os/linux/apparmor-profile", #"{"profile":""}"#), ("os/linux/apparmor-profile", "\"p\""),
        ("os/linux/oom-score-adj", "1001"), ("os/linux/oom-score-adj", "\"1\""), ("os/linux/cpu-shares", "1"),
        ("os/linux/cpu-shares", "262145"), ("os/linux/cpu-shares", "2.0"),
        ("os/unix/sysctl", #"{"net.ipv4.tcp_fin_timeout":6}"#), ("os/unix/sysctl", "[]"),
        ("example.com/unknown", "null"),
        ("Bad Name", "1"),
    ])
    func badValuesAreRefused(name: String, value: String) {
        #expect(throws: ManifestError.self) { try Isolator(name: name, value: JSONValue(parsing: value.utf8)) }
    }

    @Test(
        arguments: [
            .cpu(ResourceRange(request: Quantity(milli: 250), limit: Quantity(milli: 500))),
            .memory(ResourceRange(limit: Quantity(512 << 20))), .blockBandwidth(limit: Quantity(1000)),
            .blockOperations(limit: nil), .networkBandwidth(limit: Quantity(1)), .capabilitiesRetainSet(["CAP_KILL"]),
            .capabilitiesRemoveSet(["CAP_KILL"]), .seccompRetainSet(SeccompSet(calls: ["read"], errno: "EPERM")),
            .seccompRemoveSet(SeccompSet(calls: ["read"])), .noNewPrivileges(true),
            .seLinuxContext(SELinuxContext(user: "u", role: "r", type: "t", level: "s0:c1")), .appArmorProfile("p"),
            .oomScoreAdjustment(-5), .cpuShares(2), .sysctl(["b": "1", "a": "2"]),
        ] as [IsolatorKind])
    func isolatorsMadeInCodeAreReadBack(kind: IsolatorKind) throws {
        let made = Isolator(kind)
        let read = try Isolator(name: made.name, value: JSONValue(parsing: made.value.encoded().utf8))
        #expect(read == made)
        #expect(read.kind == kind)
    }
}

struct IsolatorListTests {
    private static let values = [
        "resource/memory": #"{"limit":"1G"}"#, "os/linux/capabilities-retain-set": #"{"set":["CAP_KILL"]}"#,
        "os/linux/capabilities-remove-set": #"{"set":["CAP_KILL"]}"#, "os/linux/seccomp-retain-set": #"{"set":["a"]}"#,
        "os/linux/seccomp-remove-set": #"{"set":["a"]}"#, "os/linux/no-new-privileges": "true",
        "os/linux/selinux-context": #"{"user":"u","role":"r","type":"t","level":"l"}"#,
        "os/linux/apparmor-profile": #"{"profile":"p"}"#, "os/linux/oom-score-adj": "0", "os/linux/cpu-shares": "1024",
        "os/unix/sysctl": "{}", "example.com/x": "1",
    ]

    private func isolators(_ names: [String]) throws -> [Isolator] {
        let list = names.map { "{\"name\":\"\($0)\",\"value\":\(IsolatorListTests.values[$0] ?? "1")}" }
        let text = "{\"acKind\":\"PodManifest\",\"isolators\":[\(list.joined(separator: ","))]}"
        return try PodManifest(parsing: text.utf8).isolators
    }

    @Test(arguments: [
        "resource/memory", "os/linux/capabilities-retain-set", "os/linux/no-new-privileges", "example.com/x",
    ])
    func someMayBeRepeated(name: String) throws {
        #expect(try isolators([name, name]).count == 2)
    }

    @Test(arguments: [
        ["os/linux/seccomp-retain-set", "os/linux/seccomp-retain-set"],
        ["os/linux/seccomp-retain-set", "os/linux/seccomp-remove-set"],
        ["os/linux/seccomp-remove-set", "os/linux/seccomp-retain-set"],
        ["os/linux/capabilities-retain-set", "os/linux/capabilities-remove-set"],
        ["os/linux/capabilities-remove-set", "resource/memory", "os/linux/capabilities-retain-set"],
        ["os/linux/selinux-context", "os/linux/selinux-context"],
        ["os/linux/apparmor-profile", "os/linux/apparmor-profile"],
        ["os/linux/oom-score-adj", "os/linux/oom-score-adj"],
        ["os/linux/cpu-shares", "os/linux/cpu-shares"], ["os/unix/sysctl", "os/unix/sysctl"],
    ])
    func setsThatBreakTheRulesAreRefused(names: [String]) {
        #expect(throws: ManifestError.self) { try isolators(names) }
    }

    @Test func theLastOfRepeatedIsolatorsCounts() {
        let list = [
            Isolator(.memory(ResourceRange(limit: Quantity(1)))), Isolator(.memory(ResourceRange(limit: Quantity(2)))),
            Isolator(.noNewPrivileges(true)), Isolator(.noNewPrivileges(false)), Isolator(.cpuShares(7)),
        ]
        #expect(list.memoryLimit?.value == 2)
        #expect(!list.noNewPrivileges)
        #expect(list.cpuShares == 7)
        #expect(list.cpuLimit == nil)
    }

    @Test func optionsReplaceIsolatorsOfAnyOfTheNames() throws {
        let list = [
            Isolator(.capabilitiesRemoveSet(["CAP_KILL"])), Isolator(.cpuShares(7)),
            try Isolator(name: "example.com/x", value: 1),
        ]
        let replaced = list.replacing(
            [.capabilitiesRetainSet, .capabilitiesRemoveSet], with: .capabilitiesRetainSet(["CAP_CHOWN"]))
        #expect(replaced.map(\.name) == ["os/linux/cpu-shares", "example.com/x", "os/linux/capabilities-retain-set"])
    }

    @Test func unknownOnesAreReported() throws {
        #expect(try isolators(["example.com/x", "resource/memory"]).unknownNames == ["example.com/x"])
    }
}

struct CapabilityTests {
    @Test(arguments: [
        ("CAP_CHOWN", 0), ("CAP_SETPCAP", 8), ("CAP_NET_RAW", 13), ("CAP_SYS_CHROOT", 18), ("CAP_SYS_ADMIN", 21),
        ("CAP_MKNOD", 27), ("CAP_SETFCAP", 31), ("CAP_SYSLOG", 34), ("CAP_AUDIT_READ", 37),
        ("CAP_CHECKPOINT_RESTORE", 40),
    ])
    func namesHaveTheNumbersOfTheKernel(name: String, number: Int) throws {
        #expect(try Capability(parsing: name).number == number)
        #expect(Capability(number: number)?.name == name)
    }

    @Test(arguments: ["", "CAP_NONE", "cap_kill", "KILL"])
    func unknownNamesAreRefused(name: String) {
        #expect(throws: ScalarError.self) { try Capability(parsing: name) }
    }

    @Test func thereAreFortyOne() {
        #expect(Capability.all.capabilities.count == 41)
        #expect(Capability.all.mask == 0x1FF_FFFF_FFFF)
        #expect(Capability(number: 41) == nil)
    }

    @Test func theDefaultSetHasFourteenMembers() {
        #expect(CapabilitySet.appDefault.names.count == 14)
        #expect(CapabilitySet.appDefault.mask == 0xA804_25FB)
    }

    @Test(
        arguments: [
            ([], CapabilitySet.appDefault.names),
            ([.capabilitiesRetainSet(["CAP_SYS_ADMIN"])], ["CAP_SYS_ADMIN"]),
            (
                [.capabilitiesRetainSet(["CAP_KILL"]), .capabilitiesRetainSet(["CAP_CHOWN"])],
                ["CAP_CHOWN", "CAP_KILL"]
            ),
            (
                [.capabilitiesRemoveSet(["CAP_KILL", "CAP_SYS_ADMIN"])],
                CapabilitySet.appDefault.names.filter { $0 != "CAP_KILL" }
            ),
        ] as [([IsolatorKind], [String])])
    func isolatorsMakeTheBoundingSet(kinds: [IsolatorKind], expected: [String]) throws {
        #expect(try kinds.map { Isolator($0) }.capabilityBoundingSet().names == expected)
    }

    @Test func unknownCapabilitiesAreRefusedWhenTheSetIsMade() {
        #expect(throws: ScalarError.self) { try [Isolator(.capabilitiesRetainSet(["CAP_X"]))].capabilityBoundingSet() }
    }
}

struct ErrorNumberTests {
    private static let posix = """
        E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF EBADMSG EBUSY ECANCELED ECHILD \
        ECONNABORTED ECONNREFUSED ECONNRESET EDEADLK EDESTADDRREQ EDOM EDQUOT EEXIST EFAULT EFBIG EHOSTUNREACH EIDRM \
        EILSEQ EINPROGRESS EINTR EINVAL EIO EISCONN EISDIR ELOOP EMFILE EMLINK EMSGSIZE EMULTIHOP ENAMETOOLONG \
        ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENODATA ENODEV ENOENT ENOEXEC ENOLCK ENOLINK ENOMEM ENOMSG \
        ENOPROTOOPT ENOSPC ENOSR ENOSTR ENOSYS ENOTCONN ENOTDIR ENOTEMPTY ENOTSOCK ENOTSUP ENOTTY ENXIO EOPNOTSUPP \
        EOVERFLOW EPERM EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ERANGE EROFS ESPIPE ESRCH ESTALE ETIME ETIMEDOUT \
        ETXTBSY EWOULDBLOCK EXDEV
        """

    @Test(arguments: posix.split(separator: " ").map { String($0) })
    func everyErrorOfPOSIXIsKnown(name: String) throws {
        #expect(try ErrorNumber.value(of: name) > 0)
    }

    @Test func numbersAreThoseOfLinux() throws {
        #expect(try ErrorNumber.value(of: "EPERM") == 1)
        #expect(try ErrorNumber.value(of: "ENOSYS") == 38)
        #expect(try ErrorNumber.value(of: "EHWPOISON") == 133)
    }

    @Test func unknownNamesAreRefused() {
        #expect(throws: ScalarError.self) { try ErrorNumber.value(of: "EACCESS") }
    }
}

struct ResourceDemandTests {
    private func app(memory: String? = nil, cpu: String? = nil) throws -> [Isolator] {
        var list: [Isolator] = []
        if let memory { list.append(Isolator(.memory(ResourceRange(limit: try Quantity(parsing: memory))))) }
        if let cpu { list.append(Isolator(.cpu(ResourceRange(limit: try Quantity(parsing: cpu))))) }
        return list
    }

    @Test func limitsAreAddedUp() throws {
        let demand = ResourceDemand([
            try app(memory: "1Gi", cpu: "500m"), try app(memory: "1G", cpu: "1.2"), try app(),
        ])
        #expect(demand.memoryMebibytes == 1024 + 953)
        #expect(demand.machineMemory() == 1024 + 953 + 128)
        #expect(demand.milliCores == 1700)
        #expect(demand.cores == 3)
        #expect(demand.machineCores(host: 8) == 3)
        #expect(demand.machineCores(host: 2) == 2)
    }

    @Test func podsWithoutLimitsGetTheSmallestMemoryAndAllProcessors() throws {
        let demand = ResourceDemand([try app()])
        #expect(demand.machineMemory() == 512)
        #expect(demand.cores == nil)
        #expect(demand.machineCores(host: 4) == 4)
    }

    @Test func hugeLimitsDoNotOverflow() throws {
        let demand = ResourceDemand([try app(memory: "9Ei", cpu: "9E"), try app(memory: "9Ei", cpu: "9E")])
        #expect(demand.cores == .max)
        #expect(demand.machineCores(host: 4) == 4)
        #expect(demand.machineMemory() > 0)
    }
}

struct NamedValuesTests {
    @Test func mergingReplacesInPlaceAndAppends() {
        let base: Environment = [
            EnvironmentVariable(name: "A", value: "1"), EnvironmentVariable(name: "B", value: "2"),
        ]
        let merged = base.merging([
            EnvironmentVariable(name: "C", value: "3"), EnvironmentVariable(name: "A", value: "4"),
        ])
        #expect(merged.map { "\($0.name)=\($0.value)" } == ["A=4", "B=2", "C=3"])
    }

    @Test func namesStandOnce() {
        var labels: Labels = [Label(name: "a", value: "1"), Label(name: "b", value: "2"), Label(name: "a", value: "3")]
        #expect(labels.map(\.value) == ["3", "2"])
        labels.remove("a")
        #expect(labels["a"] == nil)
        #expect(labels["b"] == "2")
    }

    @Test(
        arguments: [
            ("linux", Platform.architecture, true), ("linux", "s390x", false), ("freebsd", nil, false),
            (nil, "s390x", true), (nil, nil, true), ("linux", nil, true),
        ] as [(String?, String?, Bool)])
    func imagesForOtherPlatformsDoNotRunHere(system: String?, architecture: String?, expected: Bool) {
        var labels = Labels()
        if let system { labels.set("os", system) }
        if let architecture { labels.set("arch", architecture) }
        #expect(Platform.runs(labels) == expected)
    }
}
