// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Elements in the order in which they came. To take the first of many takes no longer than to take the first of few.
package struct Queue<Element> {
    /// What has been taken is nil.
    private var elements: [Element?] = []
    private var start = 0

    package init() {}

    package var isEmpty: Bool { start == elements.count }
    package var first: Element? { isEmpty ? nil : elements[start] }
    package var last: Element? { isEmpty ? nil : elements[elements.count - 1] }

    package mutating func append(_ element: Element) { elements.append(element) }

    /// Does nothing where there is none.
    package mutating func removeFirst() {
        guard !isEmpty else { return }
        elements[start] = nil
        start += 1
        guard isEmpty || start >= 64 && start * 2 >= elements.count else { return }
        elements.removeFirst(start)
        start = 0
    }

    /// Puts another in the place of the first.
    package mutating func replaceFirst(_ element: Element) { if !isEmpty { elements[start] = element } }
}
