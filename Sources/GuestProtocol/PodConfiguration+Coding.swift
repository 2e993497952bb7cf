// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension PodConfiguration {
    package var encoded: [UInt8] {
        var writer = FieldWriter()
        writer.write(hostname)
        writer.write(machineID)
        writer.write(debug)
        writer.write(list: kernelSettings) { writer, setting in
            writer.write(setting.path)
            writer.write(setting.value)
        }
        writer.write(list: interfaces) { writer, interface in interface.write(to: &writer) }
        writer.write(list: shares) { writer, share in
            writer.write(share.type)
            writer.write(share.tag)
            writer.write(share.mountPoint)
            writer.write(share.options)
            writer.write(share.readOnly)
            writer.write(share.forbidsDevices)
        }
        writer.write(list: files) { writer, file in file.write(to: &writer) }
        writer.write(list: sharedFiles) { writer, file in
            writer.write(file.path)
            writer.write(file.contents)
            writer.write(file.readOnly)
        }
        writer.write(list: apps) { writer, app in writer.write(app.encoded) }
        writer.write(isMutable)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(ProtocolError) {
        var reader = FieldReader(bytes)
        hostname = try reader.readString()
        machineID = try reader.readString()
        debug = try reader.readBool()
        kernelSettings = try reader.readList { reader throws(ProtocolError) in
            KernelSetting(path: try reader.readString(), value: try reader.readString())
        }
        interfaces = try reader.readList(limit: Interface.most) { reader throws(ProtocolError) in
            try Interface(from: &reader)
        }
        shares = try reader.readList { reader throws(ProtocolError) in
            Share(
                type: try reader.readString(), tag: try reader.readString(), mountPoint: try reader.readString(),
                options: try reader.readString(), readOnly: try reader.readBool(),
                forbidsDevices: try reader.readBool())
        }
        files = try reader.readList { reader throws(ProtocolError) in try File(from: &reader) }
        sharedFiles = try reader.readList { reader throws(ProtocolError) in
            SharedFile(path: try reader.readString(), contents: try reader.readBytes(), readOnly: try reader.readBool())
        }
        apps = try reader.readList { reader throws(ProtocolError) in try App(decoding: try reader.readBytes()) }
        isMutable = try reader.readBool()
        try reader.finish()
    }
}

extension PodConfiguration.File {
    func write(to writer: inout FieldWriter) {
        writer.write(path)
        switch content {
        case .text(let text):
            writer.write(false)
            writer.write(text)
        case .link(let target):
            writer.write(true)
            writer.write(target)
        }
    }

    init(from reader: inout FieldReader) throws(ProtocolError) {
        path = try reader.readString()
        let isLink = try reader.readBool()
        let text = try reader.readString()
        content = isLink ? .link(text) : .text(text)
    }
}

extension PodConfiguration.App {
    /// The form in which the shim leaves it for the programs that start and enter the app.
    package var encoded: [UInt8] {
        var writer = FieldWriter()
        writer.write(name)
        writer.write(root)
        for list in [exec, preStart, postStop] { writer.write(list: list) { $0.write($1) } }
        writer.write(workingDirectory)
        writer.write(list: environment) { $0.write($1) }
        writer.write(uid)
        writer.write(gid)
        writer.write(list: supplementaryGIDs) { $0.write($1) }
        writer.write(capabilityBoundingSet)
        writer.write(systemCallFilter)
        writer.write(list: mounts) { writer, mount in
            writer.write(mount.source)
            writer.write(mount.target)
            writer.write(mount.readOnly)
            writer.write(mount.forbidsDevices)
        }
        for flag in [noNewPrivileges, readOnlyRoot, protectsKernelPaths] { writer.write(flag) }
        for mode in [input, output, error] { writer.write(mode.rawValue) }
        writer.write(supportsNotify)
        writer.write(marksErrors)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(ProtocolError) {
        var reader = FieldReader(bytes)
        name = try reader.readString()
        root = try reader.readString()
        exec = try reader.readList { reader throws(ProtocolError) in try reader.readString() }
        preStart = try reader.readList { reader throws(ProtocolError) in try reader.readString() }
        postStop = try reader.readList { reader throws(ProtocolError) in try reader.readString() }
        workingDirectory = try reader.readString()
        environment = try reader.readList { reader throws(ProtocolError) in try reader.readString() }
        uid = try reader.readUInt32()
        gid = try reader.readUInt32()
        supplementaryGIDs = try reader.readList { reader throws(ProtocolError) in try reader.readUInt32() }
        capabilityBoundingSet = try reader.readUInt64()
        systemCallFilter = try reader.readBytes()
        mounts = try reader.readList { reader throws(ProtocolError) in
            PodConfiguration.Mount(
                source: try reader.readString(), target: try reader.readString(), readOnly: try reader.readBool(),
                forbidsDevices: try reader.readBool())
        }
        noNewPrivileges = try reader.readBool()
        readOnlyRoot = try reader.readBool()
        protectsKernelPaths = try reader.readBool()
        input = try StreamMode(from: &reader)
        output = try StreamMode(from: &reader)
        error = try StreamMode(from: &reader)
        guard input != .journal else { throw .malformed("the journal as standard input") }
        supportsNotify = try reader.readBool()
        marksErrors = try reader.readBool()
        try reader.finish()
    }
}
