import DequeModule

/// The events since the first of the restorations that are under way: what a store was asked before they were committed. Empty
/// while nobody is being restored.
struct RecoveryTail {
    var limits = RecoveryLimits(sessions: 0, events: 0, eventBytes: 0)
    private var pins = 0
    private var events = Deque<RecoverableEvent>()
    private var bytes = 0
    /// The number of the last event that should be here and is not.
    private var lost: UInt64 = 0

    mutating func pin() { pins += 1 }

    mutating func unpin() {
        pins -= 1
        guard pins == 0 else { return }
        events = []
        bytes = 0
    }

    mutating func append(_ event: RecoverableEvent) {
        guard pins > 0 else { return }
        events.append(event)
        bytes += event.byteCount
        while events.count > limits.events || bytes > limits.eventBytes, let first = events.popFirst() {
            bytes -= first.byteCount
            lost = first.sequence
        }
    }

    /// Events up to this number were never kept.
    mutating func lose(upTo sequence: UInt64) { lost = max(lost, sequence) }

    /// The events behind that number; nil when one of them is lost.
    func events(after sequence: UInt64) -> [RecoverableEvent]? {
        sequence < lost ? nil : events.filter { $0.sequence > sequence }
    }
}
