/// The acknowledgements that one side of a namespace waits for, each under the id that its event carries.
///
/// Ids count from 0 up, as in the reference, and are not used again. The table is bounded: a peer that never answers
/// costs no more than `capacity` entries.
///
/// ```swift
/// var table = AckTable<Continuation>()
/// guard let id = table.insert(continuation) else { throw TooManyPendingAcknowledgements() }
/// table.remove(id)?.resume()
/// ```
public struct AckTable<Entry> {
    /// How many entries the table holds at most unless told otherwise.
    public static var defaultCapacity: Int { 1024 }

    /// How many entries the table holds at most.
    public let capacity: Int
    private var entries: [UInt64: Entry] = [:]
    private var nextID: UInt64 = 0

    /// An empty table.
    public init(capacity: Int = AckTable.defaultCapacity) {
        self.capacity = capacity
    }

    /// How many acknowledgements are waited for.
    public var count: Int { self.entries.count }

    /// Whether none is waited for.
    public var isEmpty: Bool { self.entries.isEmpty }

    /// Keeps an entry and gives it an id; nil, and no id is used, if the table is full.
    public mutating func insert(_ entry: Entry) -> UInt64? {
        guard self.entries.count < self.capacity else { return nil }
        let id = self.nextID
        self.nextID &+= 1
        self.entries[id] = entry
        return id
    }

    /// Keeps an entry under an id that was given elsewhere; false if the table is full or the id is taken.
    public mutating func insert(_ entry: Entry, id: UInt64) -> Bool {
        guard self.entries.count < self.capacity, self.entries[id] == nil else { return false }
        self.entries[id] = entry
        return true
    }

    /// Takes the entry of an id out; nil if there is none, or none any more.
    public mutating func remove(_ id: UInt64) -> Entry? {
        self.entries.removeValue(forKey: id)
    }

    /// Takes all entries out, the oldest first.
    public mutating func removeAll() -> [Entry] {
        let entries = self.entries.sorted { $0.key < $1.key }.map(\.value)
        self.entries = [:]
        return entries
    }
}

extension AckTable: Sendable where Entry: Sendable {}
