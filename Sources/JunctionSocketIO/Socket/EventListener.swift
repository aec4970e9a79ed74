import Synchronization

/// A handler that was added to a socket, as ``Socket/off(_:)-(EventListener)`` takes it to remove it again.
///
/// ```swift
/// let listener = socket.on("tick") { (count: Int) in … }
/// socket.off(listener)
/// ```
public struct EventListener: Hashable, Sendable {
    /// Where the handler is kept.
    enum Place: Hashable, Sendable {
        case event(String)
        case any
        case anyOutgoing
        case disconnecting
        case disconnect
    }

    private static let made = Atomic<UInt64>(0)

    let place: Place
    private let number: UInt64

    init(_ place: Place) {
        self.place = place
        self.number = Self.made.add(1, ordering: .relaxed).newValue
    }

    /// The event that the handler is for; `nil` for one that is called whatever the event's name.
    public var event: String? {
        if case .event(let name) = place { name } else { nil }
    }
}

/// Handlers in the order in which they are called, each under its listener.
struct ListenerList<Handler: Sendable>: Sendable {
    struct Entry: Sendable {
        let listener: EventListener
        let handler: Handler
        var isOnce = false
    }

    private(set) var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ entry: Entry) { entries.append(entry) }
    mutating func prepend(_ entry: Entry) { entries.insert(entry, at: 0) }
    mutating func remove(_ listener: EventListener) { entries.removeAll { $0.listener == listener } }
    mutating func removeAll() { entries = [] }
    mutating func removeOnce() { entries.removeAll(where: \.isOnce) }
}

/// The handlers of one event, and what is asked of them for each event that comes.
struct EventListeners: Sendable {
    private(set) var list = ListenerList<EventHandler>()
    /// All of them run at once on the loop.
    private(set) var isInline = true
    /// Some are called one time only.
    private(set) var hasOnce = false

    var isEmpty: Bool { list.isEmpty }
    var entries: [ListenerList<EventHandler>.Entry] { list.entries }

    mutating func change(_ body: (inout ListenerList<EventHandler>) -> Void) {
        body(&list)
        isInline = list.entries.allSatisfy { $0.handler.isInline }
        hasOnce = list.entries.contains(where: \.isOnce)
    }
}
