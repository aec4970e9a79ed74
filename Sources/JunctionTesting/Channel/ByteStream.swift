import DequeModule
import NIOCore

/// One direction of a link: what two kernels and the network between them do with a stream of bytes. Only on the loop.
///
/// Both ends hold it, and it holds both until they close. So a link that is let go of while it is open stays, like a socket
/// that nobody closes.
final class ByteStream {
    private enum Segment {
        case bytes(ByteBuffer)
        case end
        case reset
    }

    var sender: InMemoryChannel?
    var receiver: InMemoryChannel?
    /// The other direction, for a receiver that refuses what comes.
    weak var reverse: ByteStream?
    /// The connection breaks when the byte at this position of the stream would be the next to arrive.
    var breakPosition: Int? { didSet { breakIfDue() } }

    private let loop: any EventLoop
    private let delay: TimeAmount
    private let capacity: Int
    private var splitter: ReadSplitter

    private var travelling = Deque<(due: NIODeadline, segment: Segment)>()
    private var travellingBytes = 0
    private var arrived = ByteBuffer()
    private var position = 0
    private var senderWaits = false
    private var isBroken = false

    init(loop: any EventLoop, conditions: InMemoryLink.Conditions, direction: UInt64) {
        self.loop = loop
        self.delay = TimeAmount(max(conditions.delay, .zero))
        self.capacity = max(1, conditions.capacity)
        self.splitter = ReadSplitter(conditions.splitReads, direction: direction)
    }

    /// Bytes that have been sent and not read.
    var bufferedBytes: Int { travellingBytes + arrived.readableBytes }

    // MARK: The sender's side

    /// Takes from the front of `bytes` what there is room for. When that is not all, the sender hears when there is more.
    func send(_ bytes: inout ByteBuffer) {
        let room = isBroken ? 0 : min(capacity - bufferedBytes, bytes.readableBytes)
        if room > 0, let part = bytes.readSlice(length: room) {
            travellingBytes += room
            post(.bytes(part))
        }
        senderWaits = bytes.readableBytes > 0
    }

    /// Ends the stream behind what was sent.
    func sendEnd() { post(.end) }

    /// Tells the receiver, behind what was sent, that the connection is void.
    func sendReset() { post(.reset) }

    private func post(_ segment: Segment) {
        guard !isBroken else { return }
        travelling.append((loop.now + delay, segment))
        loop.assumeIsolated().scheduleTask(in: delay) { self.arrive() }
    }

    private func makeRoom() {
        guard senderWaits else { return }
        senderWaits = false
        loop.assumeIsolated().execute { self.sender?.outputHasRoom() }
    }

    // MARK: The receiver's side

    private func arrive() {
        var (hasBytes, hasEnded, isReset) = (false, false, false)
        // At one time everything that is due arrives, as it would be found by one read.
        while let next = travelling.first, next.due <= loop.now {
            travelling.removeFirst()
            switch next.segment {
            case .bytes(let bytes):
                travellingBytes -= bytes.readableBytes
                append(bytes)
                hasBytes = true
            case .end: hasEnded = true
            case .reset: isReset = true
            }
        }
        guard let receiver else {
            // Nobody will ever read it: a kernel answers with a reset (RFC 9293 section 3.10.7.1).
            if hasBytes { reverse?.sendReset() }
            return makeRoom()
        }
        if let breakPosition, position >= breakPosition { return breakConnection() }
        if isReset {
            receiver.inputWasReset()
        } else if hasEnded {
            receiver.inputHasEnded()
        } else if hasBytes {
            receiver.inputHasArrived()
        }
    }

    private func append(_ bytes: ByteBuffer) {
        guard receiver != nil else { return }
        var bytes = bytes
        if let breakPosition, let length = Optional(breakPosition - position), length < bytes.readableBytes {
            bytes.moveWriterIndex(to: bytes.readerIndex + max(0, length))
        }
        position += bytes.readableBytes
        if arrived.readableBytes == 0 {
            arrived = bytes
        } else {
            arrived.discardReadBytes()
            arrived.writeImmutableBuffer(bytes)
        }
    }

    var hasArrivedBytes: Bool { arrived.readableBytes > 0 }

    /// Fills `buffer` with what one read takes.
    func read(into buffer: inout ByteBuffer) {
        let length = min(arrived.readableBytes, buffer.writableBytes, splitter.next())
        guard var part = arrived.readSlice(length: length) else { return }
        buffer.writeBuffer(&part)
        makeRoom()
    }

    /// The receiver has closed. Returns whether there was something that it had not read.
    func receiverHasClosed() -> Bool {
        defer {
            receiver = nil
            arrived.clear()
            makeRoom()
        }
        return hasArrivedBytes
    }

    // MARK: Failures

    private func breakIfDue() {
        if let breakPosition, position >= breakPosition { breakConnection() }
    }

    /// The network gives the connection up: both ends learn it, what is on its way is lost.
    func breakConnection() {
        let ends = [receiver, sender]
        for stream in [self, reverse] {
            stream?.isBroken = true
            stream?.travelling.removeAll()
            stream?.travellingBytes = 0
        }
        for end in ends { end?.inputWasReset() }
    }
}
