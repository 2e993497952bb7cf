// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct OptionFormTests {
    @Test func mountPointsAreRead() throws {
        #expect(
            try MountPoint(parsing: "work,path=/opt,readOnly=true")
                == MountPoint(name: "work", path: "/opt", readOnly: true))
        #expect(try MountPoint(parsing: "work,path=/a=b,readOnly=F") == MountPoint(name: "work", path: "/a=b"))
    }

    @Test(arguments: [
        "", "work", "Work,path=/a", "work,path=/a,path=/b", "work,path=/a,mode=1", "work,path", "work,path=a",
        "work,path=/a,readOnly=yes", "work,path=/a,", "path=/a",
    ])
    func badMountPointsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try MountPoint(parsing: text) }
    }

    @Test func portsAreRead() throws {
        #expect(
            try Port(parsing: "query,protocol=tcp,port=8080") == Port(name: "query", protocol: "tcp", port: 8080))
        #expect(
            try Port(parsing: "q,protocol=udp,port=1,count=5,socketActivated=1")
                == Port(name: "q", protocol: "udp", port: 1, count: 5, socketActivated: true))
    }

    @Test(arguments: [
        "q,port=80", "q,protocol=tcp", "q,protocol=tcp,port=0", "q,protocol=tcp,port=65536", "q,protocol=tcp,port=-1",
        "q,protocol=tcp,port=65535,count=2", "q,protocol=tcp,port=80,name=r", "q,protocol=tcp,port=+80",
    ])
    func badPortsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try Port(parsing: text) }
    }

    @Test(arguments: [
        "db,kind=host,source=/srv/db,readOnly=true", "db,kind=host,source=/srv/db", "db,kind=empty",
        "db,kind=empty,readOnly=false,recursive=true,mode=1777,uid=1,gid=2",
    ])
    func volumesPrintAsTheyAreGiven(text: String) throws {
        #expect(try Volume(parsing: text).description == text)
    }

    @Test func defaultsOfEmptyVolumesAreNotPrinted() throws {
        let volume = try Volume(parsing: "t,mode=0755,uid=0,kind=empty")
        #expect(volume.description == "t,kind=empty")
        #expect(volume.kind == .emptyDefault)
    }

    @Test(arguments: [
        "db", "db,kind=host", "db,kind=host,source=srv", "db,kind=tape", "db,kind=empty,source=/a", "db,source=/a",
        "db,kind=host,source=/a,mode=0755", "db,kind=empty,mode=9", "db,kind=empty,mode=+7", "db,kind=empty,uid=root",
        "db,kind=empty,gid=-1", "db,kind=host,source=/a,readOnly=maybe", "db,kind=host,source=/a,kind=host",
    ])
    func badVolumesAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try Volume(parsing: text) }
    }

    @Test(
        arguments: [
            (true, false, true), (false, true, false), (nil, true, true), (nil, false, false), (nil, nil, false),
        ] as [(Bool?, Bool?, Bool)])
    func theVolumeDecidesOverTheMountPoint(volume: Bool?, mountPoint: Bool?, expected: Bool) {
        let volume = Volume(name: "v", kind: .host(source: "/"), readOnly: volume)
        let point = mountPoint.map { MountPoint(name: "v", path: "/v", readOnly: $0) }
        #expect(volume.isReadOnly(at: point) == expected)
    }

    @Test func mountsAreRead() throws {
        #expect(
            try RuntimeApp.Mount(parsing: "volume=v,target=/p") == RuntimeApp.Mount(volume: "v", path: "/p"))
    }

    @Test(arguments: ["", "volume=v", "target=/p", "volume=v,target=p", "volume=v,target=/p,x=y", "volume=V,target=/p"])
    func badMountsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try RuntimeApp.Mount(parsing: text) }
    }

    @Test(
        arguments: [
            ("http:8080", 8080, nil), ("http:127.0.0.1:80", 80, "127.0.0.1"), ("http:[::1]:80", 80, "::1"),
            ("http:::1:80", 80, "::1"),
        ] as [(String, Int, String?)])
    func exposedPortsAreRead(text: String, port: Int, address: String?) throws {
        #expect(try ExposedPort(parsing: text) == ExposedPort(name: "http", hostPort: port, hostIP: address))
    }

    @Test(arguments: ["", "http", "http:", "http:0", "http:65536", "http:x:80", "Http:80", "http:80:"])
    func badExposedPortsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try ExposedPort(parsing: text) }
    }
}
