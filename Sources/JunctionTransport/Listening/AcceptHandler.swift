import JunctionCore
import Logging
import NIOCore
import Synchronization

/// The one handler of a listening channel: starts every connection that it accepts.
final class AcceptHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = any Channel

    private let logger: Logger
    private let gate: AcceptGate
    private let initialize: @Sendable (any Channel) throws -> Void
    private let pace = Mutex(LinePace())

    /// Pause after the system had no descriptor or memory for a connection, which then waits in the backlog. Without it the
    /// loop would try again and again.
    private static let pause = TimeAmount.milliseconds(100)

    init(logger: Logger, gate: AcceptGate, initialize: @escaping @Sendable (any Channel) throws -> Void) {
        self.logger = logger
        self.gate = gate
        self.initialize = initialize
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let child = unwrapInboundIn(data)
        if child.eventLoop === context.eventLoop {
            start(child)
        } else {
            child.eventLoop.execute { self.start(child) }
        }
    }

    /// On the child's loop. Does at once what ServerBootstrap's own handler does by a chain of futures and a hop back to this
    /// loop, which costs a tenth of a short connection.
    private func start(_ child: any Channel) {
        do {
            try initialize(child)
            child._channelCore.registerAlreadyConfigured0(promise: nil)
        } catch {
            child.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let error = NetworkError(error, doing: "accept")
        let isShortage = error.code == .tooManyFiles || error.code == .noBufferSpace
        if let unlogged = pace.withLock({ $0.note(at: .now()) }) {
            logger.warning(
                isShortage ? "accepting pauses" : "accepting failed",
                metadata: ["error": "\(error)", "since last line": "\(unlogged)"])
        }
        guard isShortage else { return }
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [gate] in
            if !gate.isHeld { try? channel.syncOptions?.setOption(.autoRead, value: true) }
        }
    }
}

/// Holds a listener's accepting back while nobody takes its connections; those that come wait in the kernel's backlog.
package final class AcceptGate: Sendable {
    private struct State {
        var channels: [any Channel] = []
        var isHeld = false
    }

    private let state = Mutex(State())

    package init() {}

    func open(_ channels: [any Channel]) {
        let isHeld = state.withLock { state in
            state.channels = channels
            return state.isHeld
        }
        if isHeld { apply(to: channels) }  // connections may have come already
    }

    func close() {
        state.withLock { $0 = State() }
    }

    var isHeld: Bool { state.withLock { $0.isHeld } }

    /// Stops accepting, or goes on. From any thread.
    package func hold(_ isHeld: Bool) {
        let channels = state.withLock { state -> [any Channel] in
            guard state.isHeld != isHeld else { return [] }
            state.isHeld = isHeld
            return state.channels
        }
        apply(to: channels)
    }

    /// What is wanted by then counts: calls from several threads may get to the loop in another order.
    private func apply(to channels: [any Channel]) {
        for channel in channels {
            channel.eventLoop.execute { try? channel.syncOptions?.setOption(.autoRead, value: !self.isHeld) }
        }
    }
}
