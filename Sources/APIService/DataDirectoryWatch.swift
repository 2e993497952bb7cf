// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// What may have changed since somebody looked.
package struct Touched: Sendable, Equatable {
    package var everything = false
    package var pods: Set<PodUUID> = []
    package var images = false

    package init() {}

    package static var all: Touched {
        var touched = Touched()
        touched.everything = true
        return touched
    }

    package var isEmpty: Bool { !everything && pods.isEmpty && !images }
}

/// Waits for changes of pods and images. It tells where to look, not what has happened: a look finds that out.
///
/// One thread uses it.
package final class DataDirectoryWatch {
    /// What a watched directory says.
    private enum Subject: Hashable {
        /// Directories of pods come or go, or may be read or not.
        case everything
        /// Its entries are pods.
        case phase
        case pod(PodUUID)
        case images
    }

    private struct Process {
        let uuid: PodUUID
        let process: ProcessDescriptor
    }

    /// A pod whose process has ended, or was not there, and that still has its lock.
    private struct Ending {
        var pause: Int
        /// By `Clock.milliseconds`.
        var next: Int
    }

    /// Milliseconds that are waited for more once something has happened.
    package static let settling = 50
    /// Milliseconds after which one looks again at what cannot be watched.
    package static let revisit = 2000
    private static let longestPause = 1000

    private let inotify: Inotify
    private let pods: PodStore
    private let dataDirectory: FilePath
    private let imageDirectories: [FilePath]
    private var subjects: [Inotify.Watch: Subject] = [:]
    private var watches: [FilePath: Inotify.Watch] = [:]
    private var processes: [Process] = []
    private var ending: [PodUUID: Ending] = [:]
    /// What is looked at again after a while, as something of it cannot be watched.
    private var blind = Touched()
    private var nextRevisit = 0
    /// What was not watched until now, and may have changed before it was.
    private var unseen = Touched()

    /// - Parameter dataDirectory: it need not be there.
    package init(dataDirectory: FilePath) throws {
        self.dataDirectory = dataDirectory
        pods = PodStore(dataDirectory: dataDirectory)
        let cas = dataDirectory.appending("cas")
        imageDirectories = [cas.appending("db"), cas.appending("blob").appending("sha512")]
        inotify = try Inotify()
        try update(pods: [])
    }

    // MARK: - What is watched

    /// Watches what there is now.
    ///
    /// - Parameter running: the pods that run.
    package func update(pods running: [Pod]) throws {
        blind = Touched()
        var wanted: [FilePath: (Subject, Inotify.Events)] = [:]
        func want(_ path: FilePath, _ subject: Subject, _ events: Inotify.Events) {
            wanted[path] = (subject, events)
        }
        let entries: Inotify.Events = [.movedTo, .movedFrom, .created, .deleted]
        let own: Inotify.Events = [.selfDeleted, .selfMoved, .attributes]
        want(pods.directory, .everything, entries.union(own))
        for phase in PodPhase.allCases { want(pods.directory(of: phase), .phase, entries.union(own)) }
        for directory in imageDirectories {
            want(directory, .images, [.movedTo, .created, .deleted, .modified, .selfDeleted, .selfMoved])
        }
        for pod in running {
            want(pod.layout.directory, .pod(pod.uuid), [.movedTo, .written, .created])
            guard hasProcess(pod) else { continue }
            for directory in [pod.layout.environments, pod.layout.statuses] {
                want(directory, .pod(pod.uuid), [.movedTo, .written, .created])
            }
            guard FileSystem.exists(pod.layout.live) else { continue }
            // When an app of a pod that changes was added or started.
            for app in (try? FileSystem.list(pod.layout.appInfos)) ?? [] {
                want(pod.layout.appInfo(app), .pod(pod.uuid), [.movedTo, .created, .deleted])
            }
        }
        var kept: [FilePath: Inotify.Watch] = [:]
        var keptSubjects: [Inotify.Watch: Subject] = [:]
        // A watch on a parent is for what is missing there; what is wanted itself counts more.
        var parents: [FilePath: Subject] = [:]
        for (path, (subject, events)) in wanted {
            do {
                let watch = try inotify.watch(path, events)
                kept[path] = watch
                keptSubjects[watch] = subject
            } catch {
                markBlind(subject)
                guard let parent = existingParent(of: path), wanted[parent] == nil else { continue }
                parents[parent] = [nil, subject].contains(parents[parent]) ? subject : .everything
            }
        }
        for (path, subject) in parents {
            guard let watch = try? inotify.watch(path, [.created, .movedTo, .deleted, .attributes]) else { continue }
            kept[path] = watch
            if keptSubjects[watch] == nil { keptSubjects[watch] = subject == .phase ? .everything : subject }
        }
        for (path, watch) in kept where watches[path] != watch {
            if let subject = keptSubjects[watch] { note(subject, "", &unseen) }
        }
        let current = Set(kept.values)
        for watch in Set(watches.values) where !current.contains(watch) { inotify.remove(watch) }
        watches = kept
        subjects = keptSubjects
        updateProcesses(running)
    }

    private func markBlind(_ subject: Subject) {
        switch subject {
        case .everything, .phase: blind.everything = true
        case .images: blind.images = true
        case .pod(let uuid): blind.pods.insert(uuid)
        }
    }

    private func existingParent(of path: FilePath) -> FilePath? {
        var path = path
        while path.removeLastComponent() {
            if (try? FileSystem.status(path, followSymbolicLink: true))?.type == .directory { return path }
        }
        return nil
    }

    private func hasProcess(_ pod: Pod) -> Bool {
        FileSystem.exists(pod.layout.pidFile) || FileSystem.exists(pod.layout.ppidFile)
    }

    private func updateProcesses(_ running: [Pod]) {
        let uuids = Set(running.map(\.uuid))
        processes.removeAll { !uuids.contains($0.uuid) }
        ending = ending.filter { uuids.contains($0.key) }
        let known = Set(processes.map(\.uuid)).union(ending.keys)
        for pod in running where !known.contains(pod.uuid) {
            let numbers = [pod.layout.pidFile, pod.layout.ppidFile].compactMap { path in
                (try? FileSystem.readText(path, limit: 64)).flatMap { Int32($0.prefix { $0 != "\n" }) }
            }
            if numbers.isEmpty {
                // Whoever is killed before it has written that is noticed so.
                blind.pods.insert(pod.uuid)
            }
            for number in numbers where number > 0 {
                if let process = try? ProcessDescriptor(number) {
                    processes.append(Process(uuid: pod.uuid, process: process))
                } else {
                    expectEnd(of: pod.uuid)
                }
            }
        }
    }

    private func expectEnd(of uuid: PodUUID) {
        guard ending[uuid] == nil else { return }
        ending[uuid] = Ending(pause: Self.settling, next: Clock.milliseconds + Self.settling)
    }

    // MARK: - Waiting

    /// Waits until something may have changed, and a little longer, so that what comes together is looked at together.
    ///
    /// - Parameter timeout: milliseconds; nil waits without end.
    /// - Returns: nothing when the time is over.
    package func wait(timeout: Int? = nil) throws -> Touched {
        let deadline = timeout.map { Clock.milliseconds + $0 }
        if nextRevisit == 0 || blind.isEmpty { nextRevisit = Clock.milliseconds + Self.revisit }
        var touched = unseen
        unseen = Touched()
        while touched.isEmpty {
            let times = ending.values.map(\.next) + [deadline, blind.isEmpty ? nil : nextRevisit].compactMap { $0 }
            let now = Clock.milliseconds
            try gather(&touched, within: times.min().map { max(0, $0 - now) })
            if let deadline, Clock.milliseconds >= deadline { break }
        }
        guard !touched.isEmpty else { return touched }
        let settled = Clock.milliseconds + Self.settling
        while case let rest = settled - Clock.milliseconds, rest > 0 {
            try gather(&touched, within: rest)
        }
        return touched
    }

    /// Waits for the next thing and notes what it touches.
    private func gather(_ touched: inout Touched, within timeout: Int?) throws {
        var sources: [(FileDescriptor, Poll.Interest)] = [(inotify.descriptor, .read)]
        sources += processes.map { ($0.process.descriptor, .read) }
        let ready = try Poll.wait(sources, timeout: timeout)
        var ended: Set<Int> = []
        for (index, _) in ready {
            if index == 0 { try note(inotify.next(), &touched) } else { ended.insert(index - 1) }
        }
        for index in ended {
            touched.pods.insert(processes[index].uuid)
            expectEnd(of: processes[index].uuid)
        }
        if !ended.isEmpty {
            processes = processes.enumerated().filter { !ended.contains($0.offset) }.map(\.element)
        }
        let now = Clock.milliseconds
        for (uuid, var entry) in ending where entry.next <= now {
            touched.pods.insert(uuid)
            entry.pause = min(entry.pause * 2, Self.longestPause)
            entry.next = now + entry.pause
            ending[uuid] = entry
        }
        if !blind.isEmpty, nextRevisit <= now {
            nextRevisit = now + Self.revisit
            touched.everything = touched.everything || blind.everything
            touched.images = touched.images || blind.images
            touched.pods.formUnion(blind.pods)
        }
    }

    private func note(_ events: [Inotify.Event], _ touched: inout Touched) {
        for event in events {
            if event.events.contains(.overflow) {
                touched.everything = true
                continue
            }
            if let subject = subjects[event.watch] { note(subject, event.name, &touched) }
        }
    }

    private func note(_ subject: Subject, _ name: String, _ touched: inout Touched) {
        switch subject {
        case .everything: touched.everything = true
        case .images: touched.images = true
        case .pod(let uuid): touched.pods.insert(uuid)
        case .phase:
            if name.isEmpty {
                touched.everything = true
            } else if let uuid = try? PodUUID(parsing: name) {
                touched.pods.insert(uuid)
            }
        }
    }
}
