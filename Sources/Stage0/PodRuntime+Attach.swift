// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// Shares the streams of an app of a running pod: this program becomes stage1's.
    ///
    /// - Parameter endsInput: whether the end of standard input is passed on.
    package func attach(_ prefix: String, app: String?, mode: AttachMode, endsInput: Bool) throws -> Never {
        let pod = try pods.find(prefix)
        guard pod.state == .running else {
            throw RuntimeError(.invalidState, "pod \"\(pod.uuid)\" isn't currently running")
        }
        let names = try pod.manifest().apps.map(\.name.string)
        let app = try PodRuntime.chooseApp(app, of: names, in: pod.uuid)
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(pod.layout.stage1Manifest)))
        guard let entrypoint = interface.path(.attach) else {
            throw RuntimeError(.unsupported, "the stage1 image of pod \"\(pod.uuid)\" cannot attach")
        }
        // From there on the pod can be reached; what there is can be told before.
        let pid = mode == .list ? pod.pid : try waitForProcess(of: pod)
        // A crossing entrypoint, as the guide calls it, may need to enter the pod.
        var variables: [String] = ["RKT_STAGE1_ENTERAPP=\(app)"]
        if let enter = interface.path(.enter) { variables.append("RKT_STAGE1_ENTERCMD=\(enter)") }
        if let pid { variables.append("RKT_STAGE1_ENTERPID=\(pid)") }
        var call = EntrypointCall(layout: pod.layout)
        call.environment = call.environment.filter { !$0.hasPrefix("RKT_STAGE1_ENTER") } + variables
        try call.execute(
            entrypoint,
            interface.attachArguments(mode, app: app, endsInput: endsInput, isDebug: settings.isDebug))
    }
}
