import JunctionTesting
import NIOCore
import Synchronization

@testable import JunctionTesting

/// What happened, in order.
final class Journal: Sendable {
    private struct State {
        var lines: [String] = []
        var waiting: [(line: String, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var entries: [String] { state.withLock { $0.lines } }

    func note(_ line: String) {
        let woken = state.withLock { state in
            state.lines.append(line)
            defer { state.waiting.removeAll { $0.line == line } }
            return state.waiting.filter { $0.line == line }
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Waits until `line` has been noted.
    func contains(_ line: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                let isThere = state.lines.contains(line)
                if !isThere { state.waiting.append((line, continuation)) }
                return isThere
            }
            if isThere { continuation.resume() }
        }
    }
}

extension VirtualClock {
    /// Whole milliseconds that the clock shows.
    var milliseconds: Int64 {
        now.offset.components.seconds * 1000 + now.offset.components.attoseconds / 1_000_000_000_000_000
    }
}

/// Notes what reaches the end of a channel's pipeline.
final class Recorder: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    let journal = Journal()

    func channelActive(context: ChannelHandlerContext) { journal.note("active") }
    func channelInactive(context: ChannelHandlerContext) { journal.note("inactive") }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        journal.note("read \(String(buffer: unwrapInboundIn(data)))")
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        journal.note("writable \(context.channel.isWritable)")
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { journal.note("\(event)") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        journal.note("error \((error as? IOError)?.errnoCode.description ?? "\(error)")")
    }

    /// The pieces that were read.
    var reads: [String] { journal.entries.filter { $0.hasPrefix("read ") }.map { String($0.dropFirst(5)) } }

    /// The events, with the pieces of each run of reads put together.
    var summary: [String] {
        var summary: [String] = []
        for entry in journal.entries {
            if entry.hasPrefix("read "), let last = summary.last, last.hasPrefix("read ") {
                summary[summary.count - 1] += entry.dropFirst(5)
            } else {
                summary.append(entry)
            }
        }
        return summary
    }
}

/// Two channels in memory and what their handlers saw.
struct ChannelPair: Sendable {
    let clock: VirtualClock
    let client: InMemoryChannel
    let server: InMemoryChannel
    let clientSaw = Recorder()
    let serverSaw = Recorder()

    /// - Parameter configure: runs before the channels are active.
    init(
        clock: VirtualClock = VirtualClock(), _ conditions: InMemoryLink.Conditions = .init(),
        configure: @escaping @Sendable (_ client: InMemoryChannel, _ server: InMemoryChannel) throws -> Void = { _, _ in
        }
    ) async throws {
        let client = try SocketAddress(ipAddress: "192.0.2.2", port: 1)
        let server = try SocketAddress(ipAddress: "192.0.2.1", port: 2)
        let (clientSaw, serverSaw) = (clientSaw, serverSaw)
        self.clock = clock
        (self.client, self.server) = try await clock.loop.submit {
            let ends = InMemoryChannel.pair(on: clock.loop, conditions: conditions, client: client, server: server)
            try configure(ends.client, ends.server)
            try ends.client.pipeline.syncOperations.addHandler(clientSaw)
            try ends.server.pipeline.syncOperations.addHandler(serverSaw)
            ends.client.registerAlreadyConfigured0(promise: nil)
            ends.server.registerAlreadyConfigured0(promise: nil)
            return ends
        }.get()
    }
}

/// Sets `option` of both ends.
@Sendable func halfClosure(_ client: InMemoryChannel, _ server: InMemoryChannel) throws {
    try client.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
    try server.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
}
