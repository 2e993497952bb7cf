// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Stage1
import Testing

struct QueueTests {
    @Test func whatComesFirstGoesFirstHoweverManyThereAre() {
        var queue = Queue<Int>()
        queue.removeFirst()
        #expect(queue.first == nil && queue.last == nil)
        var next = 0
        var taken: [Int] = []
        func take(_ count: Int) {
            for _ in 0..<count {
                guard let first = queue.first else { return }
                taken.append(first)
                queue.removeFirst()
            }
        }
        for (more, less) in [(3, 1), (1000, 70), (10, 500), (0, 2000), (5, 5), (200, 100)] {
            for _ in 0..<more {
                queue.append(next)
                next += 1
            }
            #expect(queue.last == next - 1 || queue.isEmpty)
            take(less)
        }
        #expect(taken == Array(0..<1118))
        #expect(queue.first == 1118 && queue.last == 1217)
        queue.replaceFirst(-1)
        #expect(queue.first == -1 && queue.last == 1217)
    }
}
