import NIOCore

/// The sessions of a socket, found by their peer and ordered by their last datagram. Lives on the socket's event loop.
///
/// Finding, using and ending a session take the same time however many there are.
final class SessionTable {
    /// What became of a datagram.
    enum Outcome {
        case taken
        /// One was dropped because the session's reader is behind.
        case overflow
        /// There is no session for the sender, and no room for another.
        case refused
    }

    /// One peer's part of the table.
    final class Entry {
        let peer: PeerKey
        let address: SocketAddress
        let inbox: DatagramInbox
        fileprivate var lastUse: NIODeadline
        fileprivate var place: Int32 = -1

        fileprivate init(_ peer: PeerKey, _ address: SocketAddress, _ inbox: DatagramInbox, _ now: NIODeadline) {
            self.peer = peer
            self.address = address
            self.inbox = inbox
            lastUse = now
        }
    }

    private let eventLoop: any EventLoop
    private let idleTimeout: TimeAmount
    private let maximum: Int
    private let makeInbox: () -> DatagramInbox
    private let onNewSession: (SessionTable, Entry) -> Void
    private var entries: [PeerKey: Entry] = [:]
    private var order = UseOrder()
    private var timer: Scheduled<Void>?
    private var isOpen = true

    /// - Parameter onNewSession: told of each new session, before its first datagram is in its inbox.
    init(
        eventLoop: any EventLoop, idleTimeout: TimeAmount, maximum: Int, makeInbox: @escaping () -> DatagramInbox,
        onNewSession: @escaping (SessionTable, Entry) -> Void
    ) {
        self.eventLoop = eventLoop
        self.idleTimeout = idleTimeout
        self.maximum = maximum
        self.makeInbox = makeInbox
        self.onNewSession = onNewSession
    }

    /// Sessions at present.
    var count: Int { entries.count }

    /// Gives a datagram to its sender's session, a new one if there is none.
    func receive(_ datagram: Datagram, now: NIODeadline) -> Outcome {
        guard isOpen, let peer = PeerKey(datagram.sender) else { return .refused }
        let entry: Entry
        if let known = entries[peer] {
            entry = known
            entry.lastUse = now
            order.touch(entry.place)
        } else {
            guard entries.count < maximum else { return .refused }
            entry = Entry(peer, datagram.sender, makeInbox(), now)
            entry.place = order.append(entry)
            entries[peer] = entry
            schedule()
            onNewSession(self, entry)
        }
        return entry.inbox.append(datagram) ? .taken : .overflow
    }

    /// Ends a session: its reader gets what is queued and then the end. The next datagram of the peer begins another one.
    func end(_ entry: Entry) {
        guard entry.place >= 0 else { return }
        order.remove(entry.place)
        entry.place = -1
        entries[entry.peer] = nil
        entry.inbox.end()
    }

    /// Ends all sessions, and lets none begin any more.
    func endAll() {
        isOpen = false
        timer?.cancel()
        timer = nil
        while let entry = order.oldest { end(entry) }
    }

    /// Ends the sessions whose last datagram is too long ago.
    func expire(now: NIODeadline) {
        while let entry = order.oldest, entry.lastUse + idleTimeout <= now { end(entry) }
    }

    /// One timer serves all sessions: it is due when the one that has been idle longest may be.
    private func schedule() {
        guard timer == nil, isOpen, let entry = order.oldest else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        timer = eventLoop.scheduleTask(deadline: entry.lastUse + idleTimeout) {
            let table = bound.value
            table.timer = nil
            table.expire(now: .now())
            table.schedule()
        }
    }
}

/// Sessions in the order of their last use: a doubly linked list in an array.
private struct UseOrder {
    private struct Link {
        var entry: SessionTable.Entry?
        var older: Int32
        var newer: Int32
    }

    private var links: [Link] = []
    private var free: Int32 = -1
    private var first: Int32 = -1
    private var last: Int32 = -1

    /// The one that has not been used for the longest time.
    var oldest: SessionTable.Entry? { first < 0 ? nil : links[Int(first)].entry }

    /// Adds one as the most recently used, and returns its place.
    mutating func append(_ entry: SessionTable.Entry) -> Int32 {
        let place: Int32
        if free >= 0 {
            place = free
            free = links[Int(place)].newer
            links[Int(place)].entry = entry
        } else {
            place = Int32(truncatingIfNeeded: links.count)
            links.append(Link(entry: entry, older: -1, newer: -1))
        }
        attach(place)
        return place
    }

    /// Makes one the most recently used.
    mutating func touch(_ place: Int32) {
        guard place != last else { return }
        detach(place)
        attach(place)
    }

    mutating func remove(_ place: Int32) {
        detach(place)
        links[Int(place)] = Link(entry: nil, older: -1, newer: free)
        free = place
    }

    private mutating func attach(_ place: Int32) {
        links[Int(place)].older = last
        links[Int(place)].newer = -1
        if last >= 0 { links[Int(last)].newer = place } else { first = place }
        last = place
    }

    private mutating func detach(_ place: Int32) {
        let (older, newer) = (links[Int(place)].older, links[Int(place)].newer)
        if older >= 0 { links[Int(older)].newer = newer } else { first = newer }
        if newer >= 0 { links[Int(newer)].older = older } else { last = older }
    }
}
