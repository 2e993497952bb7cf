// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Checks what the file system of a directory does.
//
// usage: filesystem-check DIRECTORY [SEED [STEPS]]
//
// Prints `seed N`, then `ok NAME` or `not ok NAME: WHAT` for each check. The status is 0 when all checks have run,
// however they went.

@preconcurrency import Glibc
import CFilesystemCalls

setvbuf(stdout, nil, _IOLBF, 0)
let arguments = CommandLine.arguments.dropFirst()
guard let directory = arguments.first, arguments.count <= 3 else {
    fputs("usage: filesystem-check DIRECTORY [SEED [STEPS]]\n", stderr)
    exit(64)
}
let seed = arguments.dropFirst().first.flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
let steps = arguments.dropFirst(2).first.flatMap { Int($0) } ?? 1000
let checks =
    OpenChecks.all + RemovalChecks.all + TruncationChecks.all + RenameChecks.all + LinkChecks.all + DirectoryChecks.all
    + ModeChecks.all + OwnerChecks.all + TimeChecks.all + SpecialFileChecks.all + AttributeChecks.all + LockChecks.all
    + MappingChecks.all + SpaceChecks.all + NameChecks.all
    + [
        Check("random/file") { try RandomFile(seed: seed, maps: false).run(steps) },
        Check("random/mapped-file") { try RandomFile(seed: seed, maps: true).run(steps) },
        Check("random/tree") { try RandomTree(seed: seed).run(steps) },
    ]

/// Runs a check in a directory of its own and says how it went.
func run(_ check: Check, in directory: CInt) {
    let name = String(check.name.map { $0 == "/" ? "-" : $0 })
    guard fchdir(directory) == 0, mkdir(name, 0o755) == 0, chdir(name) == 0 else {
        print("not ok \(check.name): there is no directory for it: \(String(cString: strerror(errno)))")
        return
    }
    do {
        try check.body()
        print("ok \(check.name)")
    } catch let error as Unfulfilled {
        print("not ok \(check.name): \(error.text)")
    } catch {
        print("not ok \(check.name): \(error)")
    }
    umask(0o022)
    fs_close_all()
}

umask(0o022)
let place = "\(directory)/filesystem-check"
guard mkdir(place, 0o755) == 0, chdir(place) == 0 else {
    perror("filesystem-check: \(place)")
    exit(100)
}
// The highest number, so that it stays when a check's files are closed.
let opened = open(".", O_RDONLY | O_DIRECTORY)
let home = dup2(opened, 200)
guard home == 200 else {
    perror("filesystem-check: \(place)")
    exit(100)
}
print("seed \(seed)")
for check in checks { run(check, in: home) }
_ = fchdir(home)
for name in (try? names(".")) ?? [] { removeTree(name) }
let left = try? names(".")
chdir("/")
rmdir(place)
print(left == [] ? "ok remove-all" : "not ok remove-all: something is left")
