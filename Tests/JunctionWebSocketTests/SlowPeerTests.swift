import JunctionTransport
import NIOCore
import Testing

@testable import JunctionTesting
@testable import JunctionWebSocket

/// A server's end whose peer reads only when it is told to.
private struct SlowPeer: Sendable {
    let clock = VirtualClock()
    private let channels: (client: InMemoryChannel, server: InMemoryChannel)
    private let state: NIOLoopBound<State>

    /// What the owner of the handler was told, in order.
    private final class State: WebSocketDelegate {
        let handler: WebSocketHandler
        var told: [String] = []

        init(handler: WebSocketHandler) { self.handler = handler }

        func webSocket(_ socket: WebSocketHandler, receivedText text: ByteBuffer) { told.append("text") }
        func webSocket(_ socket: WebSocketHandler, receivedBinary bytes: ByteBuffer) { told.append("binary") }
        func webSocketWritabilityChanged(_ socket: WebSocketHandler) {
            told.append(socket.isWritable ? "writable" : "behind")
        }
        func webSocketClosed(_ socket: WebSocketHandler, _ close: WebSocketClose) {
            told.append("closed \(close.code)")
        }
    }

    init(maximumBufferedBytes: Int = 1 << 20) async throws {
        let clock = clock
        let (client, server) = (
            try SocketAddress(ipAddress: "192.0.2.2", port: 1), try SocketAddress(ipAddress: "192.0.2.1", port: 2)
        )
        (channels, state) = try await clock.loop.submit {
            let channels = InMemoryChannel.pair(
                on: clock.loop, conditions: .init(capacity: 1_000), client: client, server: server)
            let handler = WebSocketHandler(
                executor: .of(clock.loop), limits: .init(), maximumBufferedBytes: maximumBufferedBytes)
            let state = State(handler: handler)
            handler.delegate = state
            try channels.server.pipeline.syncOperations.addHandler(handler)
            channels.client.options.autoRead = false
            for channel in [channels.client, channels.server] { channel.registerAlreadyConfigured0(promise: nil) }
            return (channels, NIOLoopBound(state, eventLoop: clock.loop))
        }.get()
        await clock.settle()
    }

    /// Calls the handler on its loop and lets everything happen that follows.
    func on<Result: Sendable>(_ body: @escaping @Sendable (WebSocketHandler) -> Result) async throws -> Result {
        let result = try await clock.loop.submit { [state] in body(state.value.handler) }.get()
        await clock.settle()
        return result
    }

    /// Has the peer read as long as there is something.
    func readAll() async throws {
        for _ in 0..<1_000 {
            try await clock.loop.submit { [channels] in channels.client.read() }.get()
            await clock.settle()
        }
    }

    var told: [String] {
        get async throws { try await clock.loop.submit { [state] in state.value.told }.get() }
    }
}

@Suite("A peer that reads slowly", .timeLimit(.minutes(5)))
struct SlowPeerTests {
    @Test("the owner sees how much is queued, and is told when the peer is behind and when it has read on")
    func writable() async throws {
        let peer = try await SlowPeer()
        #expect(try await peer.on { $0.isWritable && $0.queuedBytes == 0 })
        #expect(
            try await peer.on { handler in
                handler.send(.binary, ByteBuffer(repeating: 1, count: 200_000))
                return handler.queuedBytes
            } == 200_010, "what waits for the end of the turn counts")
        #expect(try await peer.on { !$0.isWritable && $0.queuedBytes == 199_010 }, "1,000 are on their way")
        #expect(try await peer.told == ["behind"])
        try await peer.readAll()
        #expect(try await peer.on { $0.isWritable && $0.queuedBytes == 0 })
        #expect(try await peer.told == ["behind", "writable"])
        try await peer.on { $0.send(.binary, ByteBuffer(repeating: 1, count: 200_000)) }
        try await peer.readAll()
        #expect(try await peer.told == ["behind", "writable", "behind", "writable"])
    }

    @Test("the owner is not told about a peer that was never far behind")
    func neverBehind() async throws {
        let peer = try await SlowPeer()
        try await peer.on { $0.send(.binary, ByteBuffer(repeating: 1, count: 10_000)) }
        #expect(try await peer.on { $0.isWritable }, "below the mark nothing changes")
        try await peer.readAll()
        #expect(try await peer.told == [])
    }

    @Test("a peer that is cut off is not called writable again")
    func cutOff() async throws {
        let peer = try await SlowPeer(maximumBufferedBytes: 150_000)
        try await peer.on { $0.send(.binary, ByteBuffer(repeating: 1, count: 200_000)) }
        #expect(try await peer.told == ["closed 1008"])
    }
}
