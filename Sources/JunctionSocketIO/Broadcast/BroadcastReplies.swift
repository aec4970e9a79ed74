public import SocketIOProtocol
import Synchronization

/// Gathers what clients answer to a broadcast. Complete when each server has said how many clients it reached and each of
/// those has answered.
package final class BroadcastReplies: Sendable {
    package typealias Outcome = Result<[EventArguments], any Error>

    private struct State {
        /// Servers that the broadcast reaches, once that is known.
        var servers: Int?
        var serversHeard = 0
        var clients = 0
        var replies: [EventArguments] = []
        /// Clients that left before they answered, or could not be asked.
        var lost = 0
        var outcome: Outcome?
        var whenOver: [@Sendable (Outcome) -> Void] = []
    }

    /// How long the answers are waited for; as long as the clients are connected when there is no limit.
    package let timeout: Duration?
    private let state = Mutex(State())

    package init(timeout: Duration? = nil) { self.timeout = timeout }

    /// That many servers are to tell how many clients they reached.
    package func expect(servers: Int) { change { $0.servers = servers } }

    /// One server has sent the event to that many clients.
    package func serverReached(clients: Int) {
        change {
            $0.serversHeard += 1
            $0.clients += clients
        }
    }

    /// A client has answered.
    package func received(_ reply: EventArguments) { change { $0.replies.append(reply) } }

    /// A client that the event was for will not answer.
    package func lostClient() { change { $0.lost += 1 } }

    /// Whatever is missing is not waited for any more.
    package func fail(_ error: any Error) { end { _ in .failure(error) } }

    /// The time is over.
    package func failForTimeout() { end { .failure(BroadcastError(.timeout, replies: $0.replies)) } }

    /// Calls `body` when everything is there, or is not waited for any more; at once when that is so already.
    package func whenOver(_ body: @escaping @Sendable (Outcome) -> Void) {
        let outcome = state.withLock { state in
            if state.outcome == nil { state.whenOver.append(body) }
            return state.outcome
        }
        if let outcome { body(outcome) }
    }

    private func change(_ body: (inout State) -> Void) {
        end { state in
            body(&state)
            guard state.servers == state.serversHeard, state.replies.count + state.lost >= state.clients else {
                return nil
            }
            return state.lost == 0
                ? .success(state.replies) : .failure(BroadcastError(.disconnected, replies: state.replies))
        }
    }

    private func end(_ body: (inout State) -> Outcome?) {
        let (outcome, waiting) = state.withLock { state -> (Outcome?, [@Sendable (Outcome) -> Void]) in
            guard state.outcome == nil, let outcome = body(&state) else { return (nil, []) }
            state.outcome = outcome
            defer { state.whenOver = [] }
            return (outcome, state.whenOver)
        }
        guard let outcome else { return }
        for body in waiting { body(outcome) }
    }
}

/// Not everybody has answered. It carries the answers that did come.
public struct BroadcastError: Error, Sendable, CustomStringConvertible {
    /// ``SocketIOError/Code/timeout``, or ``SocketIOError/Code/disconnected`` when all who are still there have answered.
    public let code: SocketIOError.Code
    /// One sentence for a person.
    public let message: String
    /// The answers that came, in the order of their arrival.
    public let replies: [EventArguments]

    /// Code and sentence.
    public var description: String { "\(code.rawValue): \(message)" }

    /// Of each answer the first argument.
    ///
    /// - Throws: `DecodingError` when one is of another type.
    public func replies<Reply: Decodable>(as type: Reply.Type = Reply.self) throws -> [Reply] {
        try replies.map { reply in
            var reply = reply
            return try reply.next()
        }
    }

    package init(_ error: SocketIOError, replies: [EventArguments]) {
        self.code = error.code
        self.message = error.message
        self.replies = replies
    }
}

extension BroadcastReplies {
    /// All answers, as soon as they are there. Ends with its task.
    func all() async throws -> [EventArguments] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                whenOver { continuation.resume(with: $0) }
            }
        } onCancel: {
            fail(CancellationError())
        }
    }
}

extension EventArguments {
    func firstArgument<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        var arguments = self
        return try arguments.next()
    }
}
