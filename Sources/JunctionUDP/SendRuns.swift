import NIOCore

/// The datagrams that are to be sent together, gathered into runs that the kernel takes as one message each.
///
/// A run goes to one peer; its datagrams have one size, but for the last, which may be shorter, so that the kernel can cut the
/// run into the datagrams again (generic segmentation offload, `UDP_SEGMENT` of udp(7)). The datagrams to one peer keep their
/// order; the datagrams of other peers may lie between those of a run.
struct SendRuns {
    typealias Waiter = UnsafeContinuation<Void, any Error>

    /// One datagram.
    struct Item {
        let payload: ByteBuffer
        let waiter: Waiter?
        /// The run's next item; -1 is none.
        fileprivate(set) var next: Int32 = -1
    }

    /// Consecutive datagrams of one peer.
    struct Run {
        let peer: PeerKey
        /// Its first item; the others follow by their `next`.
        fileprivate(set) var first: Int32
        fileprivate var last: Int32
        fileprivate(set) var count: Int32 = 1
        /// Bytes of each datagram but the last.
        let segment: Int
        fileprivate(set) var bytes: Int
        fileprivate var isOpen: Bool
    }

    /// Datagrams that the kernel cuts one run into at most (`UDP_MAX_SEGMENTS` of Linux).
    static let maximumSegments = 64
    /// Bytes that fit into a UDP packet over IPv4; the length field of IP (RFC 791) leaves no more.
    static let maximumPayload = 65_507
    /// Runs that the search for a peer's run looks at.
    private static let probes = 4
    private static let slotMask = 63

    /// Whether datagrams are gathered at all.
    var gathers: Bool
    /// Larger datagrams go by themselves, whatever the peer: larger ones than the path takes cannot be cut by the kernel.
    var largestSegment = maximumPayload
    /// The peer of a connected socket, by which its datagrams are judged.
    var connectedPeer = PeerKey.connected

    private(set) var items: [Item] = []
    private(set) var runs: [Run] = []
    /// The latest run of a peer. A small table that may forget a run, which only ends it.
    private var slots = [(stamp: UInt32, run: Int32)](repeating: (0, 0), count: slotMask + 1)
    private var stamp: UInt32 = 1

    init(gathers: Bool) { self.gathers = gathers }

    /// Adds a datagram behind those of its peer.
    mutating func add(_ payload: ByteBuffer, to peer: PeerKey, waiter: Waiter? = nil) {
        let size = payload.readableBytes
        let index = Int32(truncatingIfNeeded: items.count)
        items.append(Item(payload: payload, waiter: waiter))
        guard gathers else {
            return runs.append(Run(peer: peer, first: index, last: index, segment: size, bytes: size, isOpen: false))
        }
        let slot = slot(of: peer)
        if slots[slot].stamp == stamp, runs[Int(slots[slot].run)].peer == peer,
            append(index, of: size, to: Int(slots[slot].run))
        {
            return
        }
        slots[slot] = (stamp, Int32(truncatingIfNeeded: runs.count))
        let isOpen = size > 0 && size <= largestSegment(to: peer)
        runs.append(Run(peer: peer, first: index, last: index, segment: size, bytes: size, isOpen: isOpen))
    }

    private mutating func append(_ index: Int32, of size: Int, to run: Int) -> Bool {
        guard runs[run].isOpen, size > 0, size <= runs[run].segment, runs[run].count < Self.maximumSegments,
            runs[run].bytes + size <= Self.maximumPayload
        else { return false }
        items[Int(runs[run].last)].next = index
        runs[run].last = index
        runs[run].count += 1
        runs[run].bytes += size
        if size < runs[run].segment { runs[run].isOpen = false }
        return true
    }

    /// Where the peer's run is noted, or may be.
    private func slot(of peer: PeerKey) -> Int {
        let start = peer.mixed
        for probe in 0..<Self.probes {
            let slot = (start &+ probe) & Self.slotMask
            if slots[slot].stamp != stamp || runs[Int(slots[slot].run)].peer == peer { return slot }
        }
        return start & Self.slotMask
    }

    /// The payload of a packet in an Ethernet frame of 1,500 bytes, less the headers of IP and UDP; what stays on the machine
    /// has no frame.
    private func largestSegment(to peer: PeerKey) -> Int {
        let peer = peer == .connected ? connectedPeer : peer
        return peer.isLoopback ? largestSegment : min(largestSegment, peer.isIPv4 ? 1_472 : 1_452)
    }

    /// The datagrams of a run, in order.
    func forEachItem(of run: Run, _ body: (Item) -> Void) {
        var index = run.first
        while index >= 0 {
            body(items[Int(index)])
            index = items[Int(index)].next
        }
    }

    /// Takes the first datagram out of a run; the run may be empty then.
    mutating func removeFirst(ofRun index: Int) -> Item {
        let item = items[Int(runs[index].first)]
        runs[index].first = item.next
        runs[index].count -= 1
        runs[index].bytes -= item.payload.readableBytes
        return item
    }

    /// Makes each datagram of a run a run of its own. Ends all runs, because those behind it move.
    mutating func split(run index: Int) {
        endRuns()
        var singles: [Run] = []
        var item = runs[index].first
        while item >= 0 {
            let size = items[Int(item)].payload.readableBytes
            singles.append(
                Run(peer: runs[index].peer, first: item, last: item, segment: size, bytes: size, isOpen: false))
            let next = items[Int(item)].next
            items[Int(item)].next = -1
            item = next
        }
        runs.replaceSubrange(index...index, with: singles)
    }

    /// Lets no datagram join what is there.
    private mutating func endRuns() {
        stamp &+= 1
        guard stamp == 0 else { return }
        stamp = 1
        for slot in slots.indices { slots[slot].stamp = 0 }
    }

    /// Forgets everything, keeping the memory.
    mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        runs.removeAll(keepingCapacity: true)
        endRuns()
    }
}
