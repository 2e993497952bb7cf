// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import Diagnostics
import LinuxPlatform
import Stage0
import Testing

/// What each flag of `run` and `prepare` makes of a pod, and which values it refuses.
struct FlagEffectTests {
    /// A command line after everything has been read: what would be made and started.
    struct Outcome {
        let request: PodRequest
        let options: RunOptions
        let settings: Settings
        let manifest: PodManifest

        var app: RuntimeApp { manifest.apps[0] }
        var section: App { app.app ?? App(exec: []) }
    }

    private static func read(_ words: [String]) throws -> Outcome {
        let catalog = FlagCatalog(of: RunCommand.self)
        let arguments = try AppArguments(words, grammar: RunCommand.grammar, catalog: catalog)
        let command: RunCommand
        do {
            command = try RunCommand.parse(CanonicalArguments.of(arguments.flags, words: arguments.words))
        } catch {
            throw UsageError(RunCommand.message(for: error))
        }
        let context = CommandContext(
            component: "run", console: RecordingConsole().console, images: arguments.images,
            givenFlags: arguments.givenFlags)
        let request = try command.pod.request(stage1: command.stage1, ofPod: command.image, context)
        try PodRequestRules.check(request)
        let options = command.start.options
        try RunRules.check(options, appCount: request.apps.count)
        let image = ImageManifest(
            name: "example.com/hello",
            labels: [
                Label(name: "os", value: Platform.operatingSystem), Label(name: "arch", value: Platform.architecture),
            ],
            app: App(exec: ["/hello"], ports: [Port(name: "http", protocol: "tcp", port: 80)]))
        let id = try ImageID(parsing: "sha512-" + String(repeating: "ab", count: 32))
        let manifest = try PodManifestBuilder(request).build([(id: id, manifest: image)], Notices(isDebug: false))
        return Outcome(
            request: request, options: options, settings: try command.global.settings, manifest: manifest)
    }

    /// A flag with a value, what that leads to, and a value that is refused.
    struct Row: Sendable {
        let flag: String
        let value: String
        let wrong: String?
        let holds: @Sendable (Outcome) -> Bool

        init(
            _ flag: String, _ value: String, wrong: String? = nil, _ holds: @escaping @Sendable (Outcome) -> Bool
        ) {
            self.flag = flag
            self.value = value
            self.wrong = wrong
            self.holds = holds
        }
    }

    /// Those that follow the image.
    static let ofImage: [Row] = [
        Row("annotation", "a=b", wrong: "a") { $0.app.annotations["a"] == "b" },
        Row("caps-remove", "CAP_KILL", wrong: "CAP_X") {
            (try? $0.section.isolators.capabilityBoundingSet().names.contains("CAP_KILL")) == false
        },
        Row("caps-retain", "CAP_KILL", wrong: "kill") {
            (try? $0.section.isolators.capabilityBoundingSet().names) == ["CAP_KILL"]
        },
        Row("cap-remove", "CAP_KILL", wrong: "CAP_X") {
            (try? $0.section.isolators.capabilityBoundingSet().names.contains("CAP_KILL")) == false
        },
        Row("cap-retain", "CAP_KILL", wrong: "kill") {
            (try? $0.section.isolators.capabilityBoundingSet().names) == ["CAP_KILL"]
        },
        Row("cpu", "750m", wrong: "lots") { $0.section.isolators.cpuLimit?.milli == 750 },
        Row("cpu-shares", "512", wrong: "half") { $0.section.isolators.cpuShares == 512 },
        Row("environment", "A=b", wrong: "A") { $0.section.environment["A"] == "b" },
        Row("exec", "/bin/other") { $0.section.exec == ["/bin/other"] },
        Row("group", "100", wrong: "") { $0.section.group == "100" },
        Row("memory", "128M", wrong: "lots") { $0.section.isolators.memoryLimit?.value == 128_000_000 },
        Row("mount", "volume=v,target=/p", wrong: "v") { $0.app.mounts.map(\.path) == ["/p"] },
        Row("name", "other", wrong: "Not A Name") { $0.app.name == "other" },
        Row("oom-score-adj", "-7", wrong: "1001") { $0.section.isolators.oomScoreAdjustment == -7 },
        Row("oom-score-adjust", "7", wrong: "much") { $0.section.isolators.oomScoreAdjustment == 7 },
        Row("readonly-rootfs", "true", wrong: "maybe") { $0.app.readOnlyRootFS },
        Row("seccomp", "mode=retain,read", wrong: "read") {
            $0.section.isolators.map(\.name).contains("os/linux/seccomp-retain-set")
        },
        Row("signature", "/a/file") { $0.request.apps[0].signature == "/a/file" },
        Row("stderr", "null", wrong: "file") { $0.app.annotations["coreos.com/rkt/stage2/stderr"] == "null" },
        Row("stdin", "null", wrong: "log") { $0.app.annotations["coreos.com/rkt/stage2/stdin"] == "null" },
        Row("stdout", "log", wrong: "file") { $0.app.annotations["coreos.com/rkt/stage2/stdout"] == "log" },
        Row("supplementary-gids", "5,6", wrong: "5,x") { $0.section.supplementaryGIDs == [5, 6] },
        Row("user", "1000", wrong: "") { $0.section.user == "1000" },
        Row("user-annotation", "a=b", wrong: "a") { $0.section.userAnnotations == ["a": "b"] },
        Row("user-label", "a=b", wrong: "a") { $0.section.userLabels == ["a": "b"] },
        Row("working-dir", "/tmp/bar", wrong: "bar") { $0.section.workingDirectory == "/tmp/bar" },
    ]

    /// Those that speak of the pod.
    static let ofPod: [Row] = [
        Row("annotation", "a=b", wrong: "a") { $0.manifest.annotation("a") == "b" },
        Row("dns", "8.8.8.8", wrong: "somewhere") { $0.options.names.servers == ["8.8.8.8"] },
        Row("dns-domain", "example.com", wrong: "") { $0.options.names.domain == "example.com" },
        Row("dns-opt", "rotate", wrong: "a b") { $0.options.names.resolverOptions == ["rotate"] },
        Row("dns-search", "example.com", wrong: "") { $0.options.names.searchDomains == ["example.com"] },
        Row("hostname", "box", wrong: "a box") { $0.options.hostname == "box" },
        Row("hosts-entry", "10.2.1.42=db", wrong: "db") { $0.options.names.hostsEntries == ["10.2.1.42=db"] },
        Row("inherit-env", "true", wrong: "maybe") { $0.request.inheritsEnvironment },
        Row("interactive", "true", wrong: "maybe") { $0.options.isInteractive },
        Row("ipc", "private", wrong: "parent") { $0.options.ipc == "private" },
        Row("mds-register", "true", wrong: "maybe") { $0.options.registersWithMetadata },
        Row("mount", "volume=v,target=/p", wrong: "v") { $0.app.mounts.map(\.path) == ["/p"] },
        Row("net", "a:IP=10.0.0.9,b") { $0.options.networks == ["a:IP=10.0.0.9,b"] },
        Row("no-overlay", "true", wrong: "maybe") { $0.request.storage == .copies },
        Row("no-store", "true", wrong: "maybe") { $0.request.pullPolicy == .update },
        Row("port", "http:8080", wrong: "http") { $0.manifest.ports.map(\.hostPort) == [8080] },
        Row("private-users", "true", wrong: "maybe") { $0.request.privateUsers },
        Row("pull-policy", "never", wrong: "always") { $0.request.pullPolicy == .never },
        Row("set-env", "A=b", wrong: "A") { $0.section.environment["A"] == "b" },
        Row("set-env-file", "/dev/null", wrong: "/nonexistent/file") {
            $0.request.setEnvironmentFiles == ["/dev/null"]
        },
        Row("stage1-from-dir", "x.aci") { $0.request.stage1 == .fromDirectory("x.aci") },
        Row("stage1-hash", "sha512-ab") { $0.request.stage1 == .hash("sha512-ab") },
        Row("stage1-name", "a/b:1") { $0.request.stage1 == .name("a/b:1") },
        Row("stage1-path", "/x.aci") { $0.request.stage1 == .path("/x.aci") },
        Row("stage1-url", "file:///x.aci") { $0.request.stage1 == .url("file:///x.aci") },
        Row("store-only", "true", wrong: "maybe") { $0.request.pullPolicy == .never },
        Row("user-annotation", "a=b", wrong: "a") { $0.manifest.userAnnotations == ["a": "b"] },
        Row("user-label", "a=b", wrong: "a") { $0.manifest.userLabels == ["a": "b"] },
        Row("volume", "w,kind=empty", wrong: "w") { $0.manifest.volumes.contains { $0.name == "w" } },
        Row("debug", "true", wrong: "maybe") { $0.settings.isDebug },
        Row("dir", "/d", wrong: "") { $0.settings.dataDirectory == "/d" },
        Row("insecure-options", "image,seccomp", wrong: "everything") { $0.settings.insecure == [.image, .seccomp] },
        Row("local-config", "/nonexistent/l") { $0.settings.localConfiguration == "/nonexistent/l" },
        Row("system-config", "/nonexistent/s") { $0.settings.systemConfiguration == "/nonexistent/s" },
        Row("trust-keys-from-https", "true", wrong: "maybe") { $0.settings.trustsKeysFromHTTPS },
        Row("user-config", "/nonexistent/u") { $0.settings.userConfiguration == "/nonexistent/u" },
    ]

    /// Those whose effect is elsewhere: in a file, on standard output, or none.
    static let others: Set<String> = ["pod-manifest", "quiet", "uuid-file-save", "cpuprofile", "memprofile"]

    /// Other spellings, by what they are called now.
    private static let current = [
        "cap-remove": "caps-remove", "cap-retain": "caps-retain", "oom-score-adjust": "oom-score-adj",
    ]

    private static let volume = "--volume=v,kind=empty"

    private func words(_ row: Row, _ value: String, ofImage: Bool) -> [String] {
        let flag = "--\(row.flag)=\(value)"
        return ofImage ? [Self.volume, "image", flag] : [Self.volume, flag, "image"]
    }

    @Test func `every flag of the manual is tried`() {
        let tried = Set((Self.ofImage + Self.ofPod).map(\.flag)).union(Self.others)
        let known = Set(ManualFlag.all.filter { ["run", "prepare"].contains($0.command.first) }.map(\.name))
        #expect(known.subtracting(tried).isEmpty)
        #expect(tried.subtracting(known).isEmpty)
    }

    @Test(arguments: [true, false])
    func `a flag does what it says, and nothing without it`(ofImage: Bool) throws {
        let usual = try Self.read([Self.volume, "image"])
        for row in ofImage ? Self.ofImage : Self.ofPod {
            #expect(row.holds(try Self.read(words(row, row.value, ofImage: ofImage))), "--\(row.flag)")
            if row.value != "false" { #expect(!row.holds(usual), "--\(row.flag) changes nothing") }
        }
    }

    @Test(arguments: [true, false])
    func `a wrong value is refused with the flag's name`(ofImage: Bool) {
        for row in ofImage ? Self.ofImage : Self.ofPod {
            guard let wrong = row.wrong else { continue }
            do {
                _ = try Self.read(words(row, wrong, ofImage: ofImage))
                Issue.record("--\(row.flag)=\(wrong) is taken")
            } catch {
                #expect("\(error)".contains("--\(Self.current[row.flag] ?? row.flag)"), "\(error)")
            }
        }
    }
}
