import CJunctionUDP
import DequeModule
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// Gives datagrams to the kernel, as many as possible in one system call. Lives on the socket's event loop alone.
///
/// It calls the kernel itself: NIO closes the socket at nearly every error of a send (`ENETUNREACH`, `EACCES`, the refusal of
/// an earlier datagram), where a UDP socket can go on.
final class DatagramSender {
    typealias Waiter = SendRuns.Waiter

    private struct Outgoing {
        var payload: ByteBuffer
        var peer: PeerKey
        var waiter: Waiter?
    }

    /// Datagrams gathered before they are sent even within a turn of the event loop.
    private static let turnLimit = 1_024

    /// What the kernel says when it cannot cut a message.
    private static let refusals: Set<CInt> = [EIO, EINVAL, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP]

    private let descriptor: CInt
    private let queueLimit: Int
    private var runs: SendRuns
    /// What the kernel had no room for, in order.
    private var backlog = Deque<Outgoing>()
    /// The size of datagrams that the kernel has just refused to cut from one message.
    private var refusedSegment: Int?

    private(set) var queuedCount = 0
    private(set) var queuedBytes = 0
    private(set) var sent = 0
    private(set) var sentBytes = 0
    private(set) var failed = 0
    private(set) var calls = 0
    private(set) var messages = 0

    init(descriptor: CInt, segments: Bool, queueLimit: Int) {
        self.descriptor = descriptor
        self.queueLimit = queueLimit
        self.runs = SendRuns(gathers: segments && junction_udp_can_segment(descriptor) != 0)
    }

    /// Whether the kernel has no room, so that ``resume()`` must be called when it has.
    var isBlocked: Bool { !backlog.isEmpty }

    /// Notes by whom datagrams without an address are judged.
    func connected(to peer: PeerKey) { runs.connectedPeer = peer }

    /// Counts a datagram that cannot even be tried.
    func countFailure() { failed += 1 }

    /// Takes a datagram to be sent with the next flush, behind the earlier ones to the same peer.
    func add(_ payload: ByteBuffer, to peer: PeerKey, waiter: Waiter? = nil) {
        let size = payload.readableBytes
        guard size <= SendRuns.maximumPayload else { return fail(waiter, EMSGSIZE) }
        if isBlocked {
            guard queuedBytes + size <= queueLimit else { return fail(waiter, ENOBUFS) }
            backlog.append(Outgoing(payload: payload, peer: peer, waiter: waiter))
        } else {
            runs.add(payload, to: peer, waiter: waiter)
        }
        queuedCount += 1
        queuedBytes += size
        if runs.items.count >= Self.turnLimit { flush() }
    }

    /// Sends what was added. What the kernel has no room for stays.
    func flush() {
        guard !runs.items.isEmpty else { return }
        let scratch = Scratch.ofThread
        var next = 0
        while next < runs.runs.count {
            let count = fill(scratch, from: next)
            let result = Int(
                junction_udp_send(descriptor, scratch.messages, UInt32(truncatingIfNeeded: count), scratch.vectors))
            calls += 1
            if result > 0 {
                messages += result
                for index in next..<(next + result) { succeed(runs.runs[index]) }
                next += result
                continue
            }
            let code = CInt(truncatingIfNeeded: -result)
            switch code {
            case 0, EAGAIN, EWOULDBLOCK:
                keep(from: next)
                next = runs.runs.count
            case _ where runs.runs[next].count > 1 && Self.refusals.contains(code):
                // Perhaps the kernel cannot cut this message; each of its datagrams will tell.
                if code == EINVAL || code == EMSGSIZE {
                    refusedSegment = runs.runs[next].segment
                } else {
                    runs.gathers = false
                }
                runs.split(run: next)
            default:
                let item = runs.removeFirst(ofRun: next)
                leave(item.payload.readableBytes)
                fail(item.waiter, code)
                if runs.runs[next].count == 0 { next += 1 }
            }
        }
        runs.removeAll()
    }

    /// Goes on when the kernel has room again.
    func resume() {
        while !backlog.isEmpty {
            let batch = min(backlog.count, Self.turnLimit - 1)
            for item in backlog.prefix(batch) { runs.add(item.payload, to: item.peer, waiter: item.waiter) }
            backlog.removeFirst(batch)
            let rest = backlog.count
            flush()
            if backlog.count > rest { return }
        }
    }

    /// Fails what is still queued: the socket is closed.
    func close() {
        flush()
        for item in backlog {
            failed += 1
            item.waiter?.resume(throwing: ChannelError.alreadyClosed)
        }
        backlog.removeAll()
        (queuedCount, queuedBytes) = (0, 0)
    }

    // MARK: Between the queue and the kernel

    private func fill(_ scratch: Scratch, from first: Int) -> Int {
        var (count, vectors) = (0, 0)
        while count < Scratch.messageCount, first + count < runs.runs.count {
            let run = runs.runs[first + count]
            guard vectors + Int(run.count) <= Scratch.vectorCount else { break }
            run.peer.write(to: &scratch.messages[count])
            scratch.messages[count].segment = run.count > 1 ? UInt16(truncatingIfNeeded: run.segment) : 0
            scratch.messages[count].vectors = UInt32(truncatingIfNeeded: run.count)
            runs.forEachItem(of: run) { item in
                // The bytes stay where they are until the call has returned: `runs` holds the buffer.
                item.payload.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
                    scratch.vectors[vectors] = junction_vector(base: bytes.baseAddress, length: bytes.count)
                }
                vectors += 1
            }
            count += 1
        }
        return count
    }

    private func succeed(_ run: SendRuns.Run) {
        sent += Int(run.count)
        sentBytes += run.bytes
        queuedCount -= Int(run.count)
        queuedBytes -= run.bytes
        if let refusedSegment, run.segment == refusedSegment {
            runs.largestSegment = min(runs.largestSegment, refusedSegment - 1)  // it was the cutting that was refused
            self.refusedSegment = nil
        }
        runs.forEachItem(of: run) { $0.waiter?.resume() }
    }

    private func keep(from first: Int) {
        var kept: [Outgoing] = []
        for run in runs.runs[first...] {
            runs.forEachItem(of: run) {
                kept.append(Outgoing(payload: $0.payload, peer: run.peer, waiter: $0.waiter))
            }
        }
        backlog.prepend(contentsOf: kept)
    }

    private func leave(_ bytes: Int) {
        queuedCount -= 1
        queuedBytes -= bytes
    }

    private func fail(_ waiter: Waiter?, _ code: CInt) {
        failed += 1
        waiter?.resume(throwing: IOError(errnoCode: code, reason: "send"))
    }
}

/// Memory for the arguments of a system call; one for each thread, because sockets of one event loop send one after another.
private final class Scratch {
    static let messageCount = Int(JUNCTION_UDP_BATCH)
    /// `UIO_MAXIOV` of Linux is the limit for one message, not for one call; this keeps the memory small.
    static let vectorCount = 1_024

    let messages = UnsafeMutablePointer<junction_udp_message>.allocate(capacity: messageCount)
    let vectors = UnsafeMutablePointer<junction_vector>.allocate(capacity: vectorCount)

    /// Each thread sees its own value.
    private nonisolated(unsafe) static let perThread = ThreadSpecificVariable<Scratch>()

    static var ofThread: Scratch {
        if let scratch = perThread.currentValue { return scratch }
        let scratch = Scratch()
        perThread.currentValue = scratch
        return scratch
    }

    private init() {
        messages.initialize(repeating: junction_udp_message(), count: Self.messageCount)
        vectors.initialize(repeating: junction_vector(), count: Self.vectorCount)
    }

    deinit {
        messages.deallocate()
        vectors.deallocate()
    }
}
