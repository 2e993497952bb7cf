// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Stage0
import Testing

struct ImageOptionsTests {
    @Test func `all that follows an image reaches its app`() throws {
        let words = [
            "img", "--name=n", "--exec=/e", "--user=u", "--group=g", "--supplementary-gids=1,2", "--working-dir=/w",
            "--readonly-rootfs", "--environment=A=B", "--caps-retain=CAP_KILL", "--caps-remove=CAP_MKNOD",
            "--memory=1M", "--cpu=2", "--cpu-shares=3", "--oom-score-adj=-4", "--annotation=a=b",
            "--user-annotation=c=d", "--user-label=e=f", "--", "x", "y",
        ]
        let arguments = try AppArguments(
            words, grammar: RunCommand.grammar, catalog: FlagCatalog(of: RunCommand.self))
        let app = try ImageOptions.request(for: #require(arguments.images.first))
        #expect(app.image == "img")
        #expect(app.arguments == ["x", "y"])
        #expect([app.name, app.exec, app.user, app.group] == ["n", "/e", "u", "g"])
        #expect([app.supplementaryGIDs, app.workingDirectory] == ["1,2", "/w"])
        #expect(app.readOnlyRootfs == true)
        #expect([app.capabilitiesRetain, app.capabilitiesRemove] == ["CAP_KILL", "CAP_MKNOD"])
        #expect([app.memory, app.cpu, app.cpuShares, app.oomScoreAdjust] == ["1M", "2", "3", "-4"])
        #expect(app.environment == ["A=B"])
        #expect([app.annotations, app.userAnnotations, app.userLabels] == [["a=b"], ["c=d"], ["e=f"]])
    }

    @Test func `an image alone asks for nothing`() throws {
        let app = try ImageOptions.request(for: ImageArguments("img"))
        #expect(app.name == nil && app.exec == nil && app.readOnlyRootfs == nil && app.environment.isEmpty)
    }
}
