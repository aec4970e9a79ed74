package import JunctionCore
package import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

// Outside of the type, whose own function would hide the system's.
@inline(__always)
private func systemSend(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: CInt) -> Int {
    send(descriptor, bytes, count, flags)
}

/// What one connection writes in a turn of its loop, and the way of it to the kernel. Only on the loop.
///
/// What is gathered leaves by one `send(2)` from here, past the channel's own queue, which costs more than the rest of an
/// echo's way through user space. The channel gets what the kernel does not take at once, and everything where something
/// else stands between the handler and the socket: TLS, or no socket at all.
package struct TurnOutput {
    private enum Pending {
        case empty
        /// One buffer, written without a copy when nothing joins it.
        case whole(ByteBuffer)
        case gathered(ByteBuffer)
    }

    /// Where bytes go.
    private enum Way {
        /// To the channel, for good.
        case channel
        /// To the channel this once; a connection that writes again is worth looking up its socket.
        case channelOnce
        case lookUp
        /// To the socket; the descriptor is valid as long as the handler is in the pipeline of an open channel.
        case socket(CInt)
    }

    private var pending = Pending.empty
    private var way: Way
    /// Bytes may wait in the channel, which must leave first.
    package private(set) var isBehind = false
    /// Bytes handed on so far.
    package private(set) var bytesWritten: UInt64 = 0

    /// Buffers up to here are copied together; a larger one is worth a system call of its own.
    private static let gatherLimit = 65_536

    /// - Parameters:
    ///   - isNextToSocket: nothing stands between the handler and the socket.
    ///   - isBehind: another handler has written to the channel before.
    package init(isNextToSocket: Bool, isBehind: Bool = false) {
        way = isNextToSocket ? .channelOnce : .channel
        self.isBehind = isBehind
    }

    /// Bytes that wait for the end of the turn.
    package var pendingBytes: Int {
        switch pending {
        case .empty: 0
        case .whole(let bytes), .gathered(let bytes): bytes.readableBytes
        }
    }

    /// Adds `bytes` behind what is pending, without a copy when they come alone.
    package mutating func write(
        _ bytes: ByteBuffer, _ context: ChannelHandlerContext, _ executor: LoopExecutor
    ) throws(NetworkError) {
        if case .empty = pending {
            pending = .whole(bytes)
        } else if pendingBytes + bytes.readableBytes > Self.gatherLimit {
            try flush(context, executor)
            pending = .whole(bytes)
        } else {
            gather(executor) { $0.writeImmutableBuffer(bytes) }
        }
    }

    /// Lets `write` append to what is pending.
    @discardableResult
    package mutating func gather<Result, Failure: Error>(
        _ executor: LoopExecutor, _ write: (inout ByteBuffer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var buffer = takeGathered(executor)
        defer { putBack(buffer) }
        return try write(&buffer)
    }

    /// Takes what is pending out, to be appended to and put back: the buffer has one owner while it is written to.
    package mutating func takeGathered(_ executor: LoopExecutor) -> ByteBuffer {
        let buffer: ByteBuffer
        switch pending {
        case .gathered(let gathered):
            buffer = gathered
        case .whole(let bytes):
            var copy = executor.takeOutputBuffer()
            copy.writeImmutableBuffer(bytes)
            buffer = copy
        case .empty:
            buffer = executor.takeOutputBuffer()
        }
        pending = .empty
        return buffer
    }

    /// Puts back what ``takeGathered(_:)`` took. What was written in between, by code that was called to write this, follows.
    package mutating func putBack(_ buffer: consuming ByteBuffer) {
        switch pending {
        case .empty: break
        case .whole(let bytes), .gathered(let bytes): buffer.writeImmutableBuffer(bytes)
        }
        pending = .gathered(buffer)
    }

    /// Flushes when as many bytes as `mark` are pending.
    package mutating func flushIfOver(
        _ mark: Int, _ context: ChannelHandlerContext, _ executor: LoopExecutor
    ) throws(NetworkError) {
        if pendingBytes >= mark { try flush(context, executor) }
    }

    /// Hands what is pending to the kernel, or to the channel what the kernel does not take.
    ///
    /// - Throws: ``NetworkError`` when the connection is broken.
    package mutating func flush(_ context: ChannelHandlerContext, _ executor: LoopExecutor) throws(NetworkError) {
        switch pending {
        case .empty:
            if isBehind { context.flush() }
        case .whole(let bytes):
            pending = .empty
            try send(bytes, context)
        case .gathered(let buffer):
            pending = .empty
            try send(buffer, context)
            executor.giveBackOutputBuffer(buffer)
        }
    }

    private mutating func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) throws(NetworkError) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        bytesWritten += UInt64(count)
        var rest = bytes
        if let descriptor = descriptor(context.channel), !mustWait(for: context.channel) {
            rest.moveReaderIndex(forwardBy: try Self.send(bytes, to: descriptor))
            guard rest.readableBytes > 0 else { return }
        }
        isBehind = true
        context.writeAndFlush(NIOAny(rest), promise: nil)
    }

    private mutating func descriptor(_ channel: any Channel) -> CInt? {
        switch way {
        case .socket(let descriptor):
            return descriptor
        case .channel:
            return nil
        case .channelOnce:
            way = .lookUp
            return nil
        case .lookUp:
            // Used until the channel is inactive, and no longer: its loop tells the handler in the same breath as it closes
            // the socket.
            let found = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { $0 }
            way = if let found { .socket(found) } else { .channel }
            return found
        }
    }

    /// True while the channel still holds bytes that came before.
    private mutating func mustWait(for channel: any Channel) -> Bool {
        guard isBehind else { return false }
        isBehind = ((try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0) > 0
        return isBehind
    }

    /// The number of bytes that the kernel took; 0 when its buffer is full.
    private static func send(_ bytes: ByteBuffer, to descriptor: CInt) throws(NetworkError) -> Int {
        #if canImport(Darwin)
            let flags = CInt(MSG_DONTWAIT)  // SIGPIPE is off by the channel's SO_NOSIGPIPE
        #else
            let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)
        #endif
        while true {
            let sent = bytes.withUnsafeReadableBytes { bytes in
                systemSend(descriptor, bytes.baseAddress, bytes.count, flags)
            }
            if sent >= 0 { return sent }
            let code = errno
            switch code {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK, ENOBUFS: return 0
            default: throw NetworkError(IOError(errnoCode: code, reason: "send"), doing: "write")
            }
        }
    }
}
