// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What to run: the `app` section of an image or pod manifest.
package struct App: Hashable, Sendable {
    /// The program and its arguments, never expanded; when empty the pod must supply it.
    package var exec: [String]
    /// A user name, an ID, or a path whose owner counts.
    package var user: String
    /// A group name, an ID, or a path whose group counts.
    package var group: String
    /// Numeric IDs of further groups, added as given.
    package var supplementaryGIDs: [UInt32]
    package var eventHandlers: [EventHandler]
    /// Empty or absolute; empty counts as `/`.
    package var workingDirectory: String
    /// Variables in order, values literal.
    package var environment: Environment
    /// Restrictions in order; the set rules hold after reading.
    package var isolators: [Isolator]
    /// Where the app expects volumes.
    package var mountPoints: [MountPoint]
    /// What the app listens on.
    package var ports: [Port]
    /// Free texts that must not influence the runtime.
    package var userAnnotations: [String: String]
    /// Free texts that must not influence the runtime.
    package var userLabels: [String: String]

    package init(
        exec: [String], user: String = "0", group: String = "0", supplementaryGIDs: [UInt32] = [],
        eventHandlers: [EventHandler] = [], workingDirectory: String = "", environment: Environment = [],
        isolators: [Isolator] = [], mountPoints: [MountPoint] = [], ports: [Port] = [],
        userAnnotations: [String: String] = [:], userLabels: [String: String] = [:]
    ) {
        self.exec = exec
        self.user = user
        self.group = group
        self.supplementaryGIDs = supplementaryGIDs
        self.eventHandlers = eventHandlers
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.isolators = isolators
        self.mountPoints = mountPoints
        self.ports = ports
        self.userAnnotations = userAnnotations
        self.userLabels = userLabels
    }

    /// The program and arguments of an event handler, nil when the app has none for this event.
    package func handler(for event: EventHandler.Event) -> [String]? {
        eventHandlers.first { $0.event == event }?.exec
    }
}

/// A program that runs before or after an app's main program.
package struct EventHandler: Hashable, Sendable {
    /// When a handler runs.
    package enum Event: String, Hashable, Sendable, CaseIterable {
        case preStart = "pre-start"
        case postStop = "post-stop"
    }

    /// When it runs.
    package var event: Event
    /// As ``App/exec``; may be empty.
    package var exec: [String]

    package init(event: Event, exec: [String]) {
        self.event = event
        self.exec = exec
    }
}
