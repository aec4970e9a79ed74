import DequeModule

/// What may wait for one client; above it, the oldest that may be dropped is.
struct BacklogLimits: Hashable, Sendable {
    var messages: Int
    var bytes: Int
}

/// Messages that wait for a client that is behind, oldest first, and the rule which of them give way.
struct Backlog<Message> {
    struct Entry {
        var message: Message
        var bytes: Int
        /// A later message of this key makes this one worthless.
        var key: String?
        /// False for what the protocol depends on.
        var isDroppable: Bool
    }

    /// `nil` keeps everything but what a later message has made worthless.
    let limits: BacklogLimits?
    /// Entries and, until they are at the front, gaps where some were taken out.
    private var slots = Deque<Entry?>()
    /// The number of the first slot; they are counted from the beginning of time.
    private var first = 0
    private var slotOfKey: [String: Int] = [:]
    /// Slots of entries that may be dropped, oldest first; some are gaps by now.
    private var droppable = Deque<Int>()
    private(set) var count = 0
    private(set) var bytes = 0

    init(limits: BacklogLimits?) { self.limits = limits }

    var isEmpty: Bool { count == 0 }
    /// Entries and gaps: what memory is held for.
    var slotCount: Int { slots.count }

    /// Adds a message at the end.
    ///
    /// - Returns: how many gave way to it; it may be among them.
    mutating func append(_ entry: Entry) -> Int {
        var dropped = 0
        if let key = entry.key, let older = slotOfKey[key] {
            takeOut(older)
            dropped += 1
        }
        let slot = first + slots.count
        slots.append(entry)
        count += 1
        bytes += entry.bytes
        if let key = entry.key { slotOfKey[key] = slot }
        if entry.isDroppable, limits != nil { droppable.append(slot) }
        while isOverLimits, let oldest = droppable.popFirst() {
            if takeOut(oldest) { dropped += 1 }
        }
        closeGaps()
        return dropped
    }

    /// Takes the oldest message out.
    mutating func popFirst() -> Entry? {
        guard let entry = slots.first ?? nil else { return nil }
        takeOut(first)
        closeGaps()
        return entry
    }

    private var isOverLimits: Bool {
        guard let limits else { return false }
        return count > limits.messages || bytes > limits.bytes
    }

    @discardableResult
    private mutating func takeOut(_ slot: Int) -> Bool {
        let index = slot - first
        guard slots.indices.contains(index), let entry = slots[index] else { return false }
        slots[index] = nil
        count -= 1
        bytes -= entry.bytes
        if let key = entry.key, slotOfKey[key] == slot { slotOfKey[key] = nil }
        return true
    }

    /// Removes the gaps at the front, and the others when they are most of it.
    private mutating func closeGaps() {
        while let front = slots.first, front == nil {
            slots.removeFirst()
            first += 1
        }
        while let oldest = droppable.first, oldest < first { droppable.removeFirst() }
        guard slots.count > 2 * count + 32 else { return }
        let entries = slots.compactMap { $0 }
        slots = Deque(entries)
        droppable = []
        for (index, entry) in entries.enumerated() {
            if let key = entry.key { slotOfKey[key] = first + index }
            if entry.isDroppable, limits != nil { droppable.append(first + index) }
        }
    }
}

extension Backlog: Sendable where Message: Sendable {}
extension Backlog.Entry: Sendable where Message: Sendable {}
