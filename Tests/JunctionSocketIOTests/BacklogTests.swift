import Testing

@testable import JunctionSocketIO

/// The queue of a client that is behind, without one.
@Suite struct BacklogTests {
    private func entry(_ number: Int, bytes: Int = 10, key: String? = nil, droppable: Bool = true) -> Backlog<Int>.Entry
    {
        .init(message: number, bytes: bytes, key: key, isDroppable: droppable)
    }

    private func rest(of backlog: Backlog<Int>) -> [Int] {
        var backlog = backlog
        var numbers: [Int] = []
        while let entry = backlog.popFirst() { numbers.append(entry.message) }
        #expect(backlog.isEmpty && backlog.bytes == 0)
        return numbers
    }

    @Test("Above the number of messages the oldest are dropped")
    func messages() {
        var backlog = Backlog<Int>(limits: BacklogLimits(messages: 3, bytes: 1_000))
        let dropped = (1...10).map { backlog.append(entry($0)) }
        #expect(dropped == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
        #expect(backlog.count == 3 && backlog.bytes == 30)
        #expect(rest(of: backlog) == [8, 9, 10])
    }

    @Test("Above the bytes the oldest are dropped, as many as it takes, and one that is larger than all at once")
    func bytes() {
        var backlog = Backlog<Int>(limits: BacklogLimits(messages: 100, bytes: 100))
        for number in 1...10 { #expect(backlog.append(entry(number)) == 0) }
        #expect(backlog.append(entry(11, bytes: 45)) == 5)
        #expect(rest(of: backlog) == [6, 7, 8, 9, 10, 11])
        #expect(backlog.append(entry(12, bytes: 101)) == 7)
        #expect(rest(of: backlog) == [])
    }

    @Test("What the protocol depends on is kept, in its place, and counts")
    func kept() {
        var backlog = Backlog<Int>(limits: BacklogLimits(messages: 3, bytes: 1_000))
        for number in 1...6 { _ = backlog.append(entry(number, droppable: number % 2 == 0)) }
        #expect(rest(of: backlog) == [1, 3, 5])
        #expect(backlog.append(entry(7)) == 1, "there is no room for another")
        #expect(backlog.append(entry(8, droppable: false)) == 0)
        #expect(rest(of: backlog) == [1, 3, 5, 8])
    }

    @Test("Of each key only the newest is kept, where it was sent, with or without limits")
    func keys() {
        for limits in [nil, BacklogLimits(messages: 10, bytes: 1_000)] {
            var backlog = Backlog<Int>(limits: limits)
            let keys = [nil, "a", "b", nil, "a", "b", "a"]
            let dropped = keys.enumerated().map { backlog.append(entry($0.offset, key: $0.element)) }
            #expect(dropped == [0, 0, 0, 0, 1, 1, 1])
            #expect(rest(of: backlog) == [0, 3, 5, 6])
            #expect(backlog.popFirst()?.message == 0)
            _ = backlog.append(entry(7, key: "b"))
            #expect(rest(of: backlog) == [3, 6, 7])
        }
    }

    @Test("A key whose message has left does not concern the next one")
    func keyLeft() {
        var backlog = Backlog<Int>(limits: nil)
        _ = backlog.append(entry(1, key: "a"))
        _ = backlog.popFirst()
        #expect(backlog.append(entry(2, key: "a")) == 0)
        #expect(rest(of: backlog) == [2])
        var limited = Backlog<Int>(limits: BacklogLimits(messages: 1, bytes: 100))
        _ = limited.append(entry(1, key: "a"))
        #expect(limited.append(entry(2, key: "b")) == 1)
        #expect(limited.append(entry(3, key: "a")) == 1)
        #expect(rest(of: limited) == [3])
    }

    @Test("Messages that replace each other for ever leave nothing behind")
    func compaction() {
        for limits in [nil, BacklogLimits(messages: 10, bytes: 1_000)] {
            var backlog = Backlog<Int>(limits: limits)
            _ = backlog.append(entry(0, droppable: false))
            for number in 1...100_000 {
                _ = backlog.append(entry(number, key: number % 2 == 0 ? "even" : "odd"))
            }
            #expect(backlog.count == 3 && backlog.slotCount < 100)
            #expect(rest(of: backlog) == [0, 99_999, 100_000])
            _ = backlog.append(entry(7, key: "odd"))
            #expect(rest(of: backlog) == [0, 100_000, 7])
        }
    }
}
