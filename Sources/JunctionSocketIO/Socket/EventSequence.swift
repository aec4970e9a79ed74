import DequeModule
import JunctionTransport
import SocketIOProtocol
import Synchronization

/// The events of one name as they come, one after another: `Socket.events`.
///
/// An event counts as handled when it is taken out: while nobody asks for the next one the socket's later events wait, and
/// with them, as soon as ``SocketIOOptions/maximumQueuedEvents`` wait, the client. The sequence ends when the socket is
/// disconnected, behind the last event, and when nobody holds it any more.
public struct EventSequence<Element: Sendable>: AsyncSequence, Sendable {
    /// Nothing is thrown.
    public typealias Failure = Never

    private let subscription: Subscription

    init(_ socket: Socket, _ event: String, _ take: @escaping @Sendable (IncomingEvent) throws -> Element) {
        let handover = Handover<Element>()
        let handling = socket.on(event) { (event: IncomingEvent) async throws in
            let element = try take(event)
            await handover.give(element)
        }
        let ending = socket.onDisconnect { (_: DisconnectReason) in handover.end() }
        socket.executor.execute { if socket.core == nil { handover.end() } }
        subscription = Subscription(socket: socket, handover: handover, listeners: [handling, ending])
    }

    /// Takes events out; all iterators of a sequence take from the same events.
    public func makeAsyncIterator() -> Iterator { Iterator(subscription: subscription) }

    /// Takes events out of a sequence.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let subscription: Subscription
        private var isFirst = true

        fileprivate init(subscription: Subscription) { self.subscription = subscription }

        /// The next event; `nil` when the socket is disconnected or the task is cancelled.
        public mutating func next() async -> Element? {
            start()
            return await subscription.handover.take()
        }

        /// The next event; `nil` when the socket is disconnected or the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            start()
            return await subscription.handover.take()
        }

        private mutating func start() {
            if isFirst { subscription.startDelivery() }
            isFirst = false
        }
    }

    /// The sequence's place among the handlers, which it leaves when nobody holds it any more.
    fileprivate final class Subscription: Sendable {
        private let socket: Socket
        let handover: Handover<Element>
        private let listeners: [EventListener]

        init(socket: Socket, handover: Handover<Element>, listeners: [EventListener]) {
            self.socket = socket
            self.handover = handover
            self.listeners = listeners
        }

        deinit {
            for listener in listeners { socket.off(listener) }
            handover.end()
        }

        /// A connection handler may wait for events: from here on they are delivered.
        func startDelivery() { socket.withCore { $0.connectionHandled() } }
    }
}

/// Hands values from one task to another without a queue between them: giving waits for the taker.
private final class Handover<Value: Sendable>: Sendable {
    private struct State {
        var offered: (value: Value, giver: CheckedContinuation<Void, Never>)?
        var takers: Deque<(id: UInt64, continuation: CheckedContinuation<Value?, Never>)> = []
        var nextID: UInt64 = 0
        var isOver = false
    }

    private let state = Mutex(State())

    /// Returns when the value was taken, or the handover is over. One giver at a time.
    func give(_ value: Value) async {
        await withCheckedContinuation { giver in
            let (taker, isDone) = state.withLock { state -> (CheckedContinuation<Value?, Never>?, Bool) in
                if state.isOver { return (nil, true) }
                if let taker = state.takers.popFirst() { return (taker.continuation, true) }
                state.offered = (value, giver)
                return (nil, false)
            }
            taker?.resume(returning: value)
            if isDone { giver.resume() }
        }
    }

    /// The next value; `nil` when the handover is over or the task is cancelled.
    func take() async -> Value? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { taker in
                var giver: CheckedContinuation<Void, Never>?
                var result: Value??
                state.withLock { state in
                    if let offered = state.offered {
                        giver = offered.giver
                        result = offered.value
                        state.offered = nil
                    } else if state.isOver || Task.isCancelled {
                        result = .some(nil)
                    } else {
                        state.takers.append((id, taker))
                    }
                }
                giver?.resume()
                if let result { taker.resume(returning: result) }
            }
        } onCancel: {
            let taker = state.withLock { state in
                state.takers.firstIndex { $0.id == id }.map { state.takers.remove(at: $0).continuation }
            }
            taker?.resume(returning: nil)
        }
    }

    /// Lets everybody go, now and later.
    func end() {
        let (giver, takers) = state.withLock { state in
            let left = (state.offered?.giver, state.takers)
            state.offered = nil
            state.takers = []
            state.isOver = true
            return left
        }
        giver?.resume()
        for taker in takers { taker.continuation.resume(returning: nil) }
    }
}

extension Socket {
    /// The events of that name, as they came; the one who takes them acknowledges.
    ///
    /// ```swift
    /// io.onConnection { socket in
    ///     for await event in socket.events("echo") { event.acknowledge(arguments: (try? event.values()) ?? []) }
    /// }
    /// ```
    ///
    /// They are collected from this call on. A connection handler may wait for them: the socket's events are delivered from
    /// the first wait on, so add other handlers before.
    public func events(_ event: String) -> EventSequence<IncomingEvent> {
        EventSequence(self, event) { $0 }
    }

    /// The arguments of the events of that name: one value, or a tuple. Where the client asked for an acknowledgement it gets
    /// an empty one when the event is taken; an event with other arguments is an error, see ``SocketIOServer/onError(_:)``.
    ///
    /// ```swift
    /// for await (x, y) in socket.events("move", as: Double.self, Double.self) { … }
    /// ```
    public func events<First: Decodable & Sendable, each Rest: Decodable & Sendable>(
        _ event: String, as first: First.Type, _ rest: repeat (each Rest).Type
    ) -> EventSequence<(First, repeat each Rest)> {
        EventSequence(self, event) { event in
            let arguments = try event.decode(first, repeat each rest)
            event.acknowledge()
            return arguments
        }
    }
}
