import JunctionCore
import JunctionTransport
public import NIOCore

extension UDPSocket {
    /// Sends one datagram and returns when the kernel has taken it, which says nothing about its arrival.
    ///
    /// - Parameter address: leave it out on a connected socket.
    /// - Throws: ``NetworkError`` of this send: `.messageTooLarge`, `.networkUnreachable`, `.permissionDenied` (a broadcast
    ///   address without ``Configuration/broadcast``), `.addressBlocked`, `.notConnected`, `.alreadyConnected` (an address
    ///   other than the peer's), `.brokenPipe` (the socket is closed) … On a connected socket `.connectionRefused` means that an
    ///   earlier datagram was refused and this one was not sent. The socket lives on.
    public func send(_ payload: ByteBuffer, to address: SocketAddress? = nil) async throws {
        do {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                onLoop { $0.send(payload, to: address, waiter: continuation) }
            }
        } catch {
            throw NetworkError(
                error, doing: "send \(payload.readableBytes) bytes to \((address ?? remoteAddress)?.text ?? "?")")
        }
    }

    /// Sends text as UTF-8.
    public func send(_ text: String, to address: SocketAddress? = nil) async throws {
        try await send(ByteBuffer(string: text), to: address)
    }

    /// Sends bytes.
    public func send(_ bytes: [UInt8], to address: SocketAddress? = nil) async throws {
        try await send(ByteBuffer(bytes: bytes), to: address)
    }

    /// Sends several buffers, one behind the other, as one datagram.
    public func send(_ buffers: [ByteBuffer], to address: SocketAddress? = nil) async throws {
        try await send(Self.joined(buffers), to: address)
    }

    /// Sends to a host by name. The name is looked up each time, by ``Configuration/resolver``: keep the address where that
    /// matters.
    ///
    /// An IPv4 socket sends to an IPv4 address of the host, another one to an IPv6 or IPv4 address that the machine has a route
    /// to. Throws ``NetworkError`` `.hostNotFound` when there is none of that kind.
    public func send(_ payload: ByteBuffer, toHost host: String, port: Int) async throws {
        let address = try await lookup.address(of: host, port: port, action: "send to")
        try await send(payload, to: address)
    }

    /// Sends text to a host by name.
    public func send(_ text: String, toHost host: String, port: Int) async throws {
        try await send(ByteBuffer(string: text), toHost: host, port: port)
    }

    /// Queues a datagram without waiting, for handlers that are not `async`; what is queued in one turn of the event loop
    /// leaves in one system call. What cannot be sent is counted in ``Statistics/failedSends``: use the `async` form where the
    /// reason matters.
    ///
    /// - Parameter address: leave it out on a connected socket.
    public func send(_ payload: ByteBuffer, to address: SocketAddress? = nil) {
        if let core = coreOnLoop {
            core.enqueue(payload, to: address)  // the usual case: no closure to make
        } else {
            onLoop { $0.enqueue(payload, to: address) }
        }
    }

    /// Queues text without waiting.
    public func send(_ text: String, to address: SocketAddress? = nil) {
        send(ByteBuffer(string: text), to: address)
    }

    /// Queues bytes without waiting.
    public func send(_ bytes: [UInt8], to address: SocketAddress? = nil) {
        send(ByteBuffer(bytes: bytes), to: address)
    }

    /// Queues several buffers, one behind the other, as one datagram, without waiting.
    public func send(_ buffers: [ByteBuffer], to address: SocketAddress? = nil) {
        send(Self.joined(buffers), to: address)
    }

    private static func joined(_ buffers: [ByteBuffer]) -> ByteBuffer {
        guard var whole = buffers.first, buffers.count > 1 else { return buffers.first ?? ByteBuffer() }
        whole.reserveCapacity(minimumWritableBytes: buffers.dropFirst().reduce(0) { $0 + $1.readableBytes })
        for buffer in buffers.dropFirst() { whole.writeImmutableBuffer(buffer) }
        return whole
    }

    /// Bytes of the datagrams that wait in this process: for the end of the turn, or because the kernel has no room.
    public var sendQueueSize: Int { get async { await read { $0.sendQueue.bytes } } }

    /// The number of these datagrams.
    public var sendQueueCount: Int { get async { await read { $0.sendQueue.count } } }
}
