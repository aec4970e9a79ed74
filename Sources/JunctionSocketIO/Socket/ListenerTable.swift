/// A socket's handlers by the names of their events.
///
/// A socket handles a few kinds of event: up to a point their names are compared one after another, which is quicker than to
/// hash the name of each event that comes.
struct ListenerTable {
    private struct Slot {
        let name: String
        var listeners: EventListeners
    }

    private var slots: [Slot] = []
    /// Where a name's slot is, once there are more than are compared.
    private var positions: [String: Int] = [:]

    private static let compared = 16

    /// The handlers of an event; `nil` while there are none.
    subscript(name: String) -> EventListeners? {
        position(of: name).map { slots[$0].listeners }
    }

    /// Changes the handlers of an event.
    mutating func change(_ name: String, _ body: (inout ListenerList<EventHandler>) -> Void) {
        guard let position = position(of: name) else {
            var listeners = EventListeners()
            listeners.change(body)
            if !listeners.isEmpty { insert(Slot(name: name, listeners: listeners)) }
            return
        }
        slots[position].listeners.change(body)
        if slots[position].listeners.isEmpty { remove(at: position) }
    }

    /// Takes the handlers of an event away.
    mutating func removeAll(of name: String) {
        if let position = position(of: name) { remove(at: position) }
    }

    /// Takes all handlers away.
    mutating func removeAll() {
        slots = []
        positions = [:]
    }

    @inline(__always)
    private func position(of name: String) -> Int? {
        if slots.count > Self.compared { return positions[name] }
        for index in slots.indices where slots[index].name == name { return index }
        return nil
    }

    private mutating func insert(_ slot: Slot) {
        slots.append(slot)
        index()
    }

    private mutating func remove(at position: Int) {
        slots.remove(at: position)
        index()
    }

    private mutating func index() {
        positions = [:]
        guard slots.count > Self.compared else { return }
        for (position, slot) in slots.enumerated() { positions[slot.name] = position }
    }
}
