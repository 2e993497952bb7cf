// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import ImageStore
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport
import Testing

struct TableTests {
    private static let now: Int64 = 1_700_000_000_000_000_000
    private static let minute: Int64 = 60_000_000_000

    @Test func `columns are aligned with tabs, one after a short cell`() {
        var table = TabbedTable()
        table.append(["NAME", "STATE"])
        table.append(["one", "running"])
        table.append(["seventeen-letters", "x"])
        #expect(table.text == "NAME\t\t\tSTATE\none\t\t\trunning\nseventeen-letters\tx\n")
        var short = TabbedTable()
        short.append(["one", "running"])
        short.append(["seven77", "x"])
        #expect(short.text == "one\trunning\nseven77\tx\n")
        var eight = TabbedTable()
        eight.append(["eight888", "running"])
        eight.append(["one", "running"])
        #expect(eight.text == "eight888\trunning\none\t\trunning\n")
    }

    @Test func `a table without rows is one empty line`() {
        #expect(TabbedTable().text == "\n")
    }

    @Test func `a cell cannot make columns or rows`() {
        var table = TabbedTable()
        table.append(["a\tb\nc", "d"])
        #expect(table.text == "a b c\td\n")
    }

    private func pod(_ phase: PodPhase, apps: [String], exits: [Int32] = []) throws -> PodStatus {
        let scratch = try ScratchDirectory()
        let uuid = try PodUUID(parsing: "5bc080ca-9e03-480d-b705-5928af396cc5")
        let layout = PodStore(dataDirectory: scratch.path).layout(of: uuid, in: phase)
        try FileSystem.makeDirectories(layout.statuses)
        if !apps.isEmpty {
            let list = apps.map { name in
                """
                {"name": "\(name)", "app": {"exec": ["/x"], "user": "0", "group": "0"}, "image": {"id": "\(Self.imageID)",
                "name": "example.com/\(name)", "labels": [{"name": "version", "value": "1.0"}]}}
                """
            }
            let manifest = """
                {"acVersion": "0.8.11", "acKind": "PodManifest", "apps": [\(list.joined(separator: ","))],
                "userAnnotations": {"b": "2", "a": "1"}}
                """
            try FileSystem.write(manifest.utf8, to: layout.manifest)
        }
        for (app, status) in zip(apps, exits) { try FileSystem.write("\(status)\n".utf8, to: layout.status(app)) }
        var pod = try #require(try PodRuntime(Settings(dataDirectory: scratch.path)).list().first)
        pod.createdAt = Self.now - 2 * Self.minute
        pod.startedAt = pod.state.hasRun ? Self.now - Self.minute : nil
        pod.networks = try JSONValue(parsing: Array(#"[{"netName":"default","ip":"172.16.28.7"}]"#.utf8))
        for place in pod.apps.indices {
            pod.apps[place].createdAt = 1
            pod.apps[place].startedAt = pod.state.hasRun ? 2 : nil
            pod.apps[place].finishedAt = pod.apps[place].exitStatus.map { _ in 3 }
        }
        return pod
    }

    private static let imageID = "sha512-" + String(repeating: "ab", count: 32)

    @Test func `each app has a line, the pod's own cells stand on the first`() throws {
        let table = PodTable.table(
            [try pod(.run, apps: ["redis", "etcd"])], full: false, legend: true, now: Self.now)
        let rows = table.text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(rows[0] == ["UUID", "APP", "IMAGE NAME", "STATE", "CREATED", "STARTED", "NETWORKS"])
        #expect(
            rows[1] == [
                "5bc080ca", "redis", "example.com/redis:1.0", "exited", "2 minutes ago", "1 minute ago",
                "default:ip4=172.16.28.7",
            ])
        #expect(rows[2] == ["etcd", "example.com/etcd:1.0"])
        #expect(table.text.split(separator: "\n")[2].hasPrefix("\t"))
    }

    @Test func `the full table has image IDs and whole UUIDs`() throws {
        let table = PodTable.table([try pod(.prepared, apps: ["a"])], full: true, legend: false, now: Self.now)
        let cells = table.text.split(separator: "\t").map(String.init)
        #expect(cells[0] == "5bc080ca-9e03-480d-b705-5928af396cc5")
        #expect(cells[3] == "sha512-abababababab")
    }

    @Test func `a pod without apps is shown`() throws {
        let table = PodTable.table([try pod(.embryo, apps: [])], full: false, legend: false, now: Self.now)
        #expect(table.text.contains("5bc080ca") && table.text.contains("embryo"))
    }

    @Test func `status lines depend on the state`() throws {
        func keys(_ status: PodStatus) -> [Substring] {
            StatusText.lines(status).split(separator: "\n").map { $0.prefix { $0 != "=" } }
        }
        #expect(try keys(pod(.prepared, apps: ["a"])) == ["state", "created"])
        #expect(try keys(pod(.run, apps: ["a"])) == ["state", "created", "started", "networks", "exited"])
        let exited = StatusText.lines(try pod(.run, apps: ["a", "b"], exits: [0, 7]))
        #expect(exited.hasPrefix("state=exited\ncreated="))
        #expect(exited.hasSuffix("exited=true\napp-a=0\napp-b=7\n"))
    }

    @Test func `status objects have seconds for the pod and nanoseconds for apps`() throws {
        let text = StatusJSON.object(try pod(.run, apps: ["a"], exits: [7])).encoded(pretty: false)
        #expect(
            text == #"{"name":"5bc080ca-9e03-480d-b705-5928af396cc5","state":"exited","#
                + #""networks":[{"netName":"default","ip":"172.16.28.7"}],"app_names":["a"],"#
                + #""apps":[{"name":"a","state":"exited","created_at":1,"started_at":2,"finished_at":3,"#
                + #""exit_code":7,"image_id":"\#(Self.imageID)"}],"created_at":1699999880,"started_at":1699999940,"#
                + #""user_annotations":{"a":"1","b":"2"}}"#)
    }

    private func image(_ digit: Character, _ name: String, size: Int64, imported: Int64, latest: Bool = false) throws
        -> StoredImage
    {
        let id = try ImageID(parsing: "sha512-" + String(repeating: digit, count: 64))
        return StoredImage(
            id: id, fullID: id, name: name, labels: [], importTime: imported, lastUsed: imported + Self.minute,
            size: size, treeSize: 512, isLatest: latest)
    }

    @Test func `images are listed with the size of their trees`() throws {
        let images = [try image("a", "example.com/a", size: 1024, imported: Self.now - 2 * Self.minute)]
        let short = ImageTable.table(images, ImageFields.standard.fields, full: false, legend: true, now: Self.now)
        let rows = short.text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(rows[0] == ["ID", "NAME", "SIZE", "IMPORT TIME", "LAST USED"])
        #expect(rows[1] == ["sha512-aaaaaaaaaaaa", "example.com/a", "1.5KiB", "2 minutes ago", "1 minute ago"])
        let full = ImageTable.table(images, [.size, .id], full: true, legend: false, now: Self.now)
        #expect(ImageTable.table(images, [.latest], full: false, legend: true, now: 0).text == "LATEST\nfalse\n")
        #expect(full.text == "1536\tsha512-" + String(repeating: "a", count: 64) + "\n")
    }

    @Test func `image objects have nanoseconds`() throws {
        let text = ImageTable.object(
            try image("a", "example.com/a", size: 1, imported: 5), ImageFields.standard.fields
        ).encoded(pretty: false)
        #expect(
            text == #"{"id":"sha512-\#(String(repeating: "a", count: 64))","name":"example.com/a","#
                + #""import_time":5,"last_used_time":60000000005,"size":513}"#)
    }

    @Test(
        arguments: [
            ("name", SortOrder.ascending, "abc"), ("size", .ascending, "cab"), ("size", .descending, "bac"),
            ("importtime", .ascending, "bca"), ("lastused,name", .descending, "acb"),
            ("latest,name", .ascending, "acb"),
        ] as [(String, SortOrder, String)])
    func `images are sorted by the fields asked for`(fields: String, order: SortOrder, expected: String) throws {
        let images = [
            try image("1", "a", size: 20, imported: 30), try image("2", "b", size: 30, imported: 10, latest: true),
            try image("3", "c", size: 10, imported: 20),
        ]
        let sorted = ImageTable.sorted(images, by: try ImageFields(parsing: fields).fields, order)
        #expect(sorted.map(\.name).joined() == expected)
    }
}
