// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

extension MachineSpec {
    /// Refuses a specification that names a file or directory which is not there, so that one line says so before a
    /// process is started.
    package func checkFiles() throws {
        switch kernel {
        case .bundled(let path, let initrd):
            try Self.require(.regular, path, "the guest kernel")
            if let initrd { try Self.require(.regular, initrd, "the guest's initrd") }
        case .host, .direct: break
        }
        switch root {
        case .block(let path): try Self.require(.regular, path, "the guest root image")
        case .directory(let path): try Self.require(.directory, path, "the root directory")
        }
        for share in shares {
            // Files of any type can be bound. Those of the pod itself are made when it is started.
            if case .bind(let source, _, _, _) = share {
                if !source.starts(with: workingDirectory) {
                    _ = try FileSystem.status(source, followSymbolicLink: true)
                }
                continue
            }
            try Self.require(.directory, share.source, "the source of share \"\(share.tag)\"")
        }
    }

    private static func require(_ type: LinuxPlatform.FileType, _ path: FilePath, _ what: String) throws {
        let status: FileStatus
        do {
            status = try FileSystem.status(path, followSymbolicLink: true)
        } catch {
            throw RuntimeError(.notFound, "\(what) cannot be used", cause: error)
        }
        guard status.type == type else {
            let wanted = type == .directory ? "directory" : "regular file"
            throw RuntimeError(.invalidArgument, "\(what) \"\(path)\" is not a \(wanted)")
        }
    }
}
