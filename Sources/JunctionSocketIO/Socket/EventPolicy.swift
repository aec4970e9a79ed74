import JunctionTransport
import Logging
public import SocketIOProtocol
import Synchronization

/// An error that a client is meant to see: thrown by a handler or a middleware, it is what the client gets as the
/// acknowledgement that it asked for.
///
/// ```swift
/// socket.on("withdraw") { (amount: Int) throws in
///     guard amount <= balance else { throw EventError("insufficient_funds", "Only \(balance) are left.") }
///     …
/// }
/// ```
///
/// The acknowledgement is one object, `{"error": {"code": …, "message": …, "data": …}}`, which JavaScript tells apart by
/// `if (answer?.error)`. Of any other error the client gets the code `internal_error` alone, so that nothing internal leaks,
/// and `invalid_arguments` when the event's arguments are not what the handler takes.
public struct EventError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What programs compare: `error.code` at the client.
    public let code: String
    /// One sentence for a person: `error.message` at the client.
    public let message: String
    /// Details: `error.data` at the client, which is absent without them.
    public let data: SocketIOValue?

    /// Makes an error.
    public init(_ code: String, _ message: String, data: SocketIOValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    /// Code and sentence.
    public var description: String { "\(code): \(message)" }

    /// What a client may know of an error.
    init(shown error: any Error) {
        switch error {
        case let error as EventError: self = error
        case let error as SocketIOError where error.code == .invalidArguments:
            self.init("invalid_arguments", error.message)
        default: self = .internalError
        }
    }

    static let internalError = EventError("internal_error", "Internal error")
}

/// What an acknowledgement that stands for an error looks like on the wire.
struct ErrorAcknowledgement: Encodable, Sendable {
    private struct Face: Encodable {
        let code: String
        let message: String
        let data: SocketIOValue?
    }

    private let error: Face

    init(_ error: EventError) {
        self.error = Face(code: error.code, message: error.message, data: error.data)
    }
}

/// An event that a handler or a middleware failed on.
public struct EventFailure: Sendable {
    /// The socket that the event came by.
    public let socket: Socket
    /// The event.
    public let event: IncomingEvent
    /// What was thrown; a ``SocketIOError`` with the code `invalidArguments` when the arguments could not be decoded.
    public let error: any Error
}

/// What follows when a handler or a middleware fails on an event.
public enum EventErrorAction: Sendable {
    /// The error is logged, and a client that asked for an acknowledgement gets one that stands for an error
    /// (``EventError``). The default.
    case report
    /// Nothing: no log, and no acknowledgement unless the handler has sent one.
    case ignore
    /// The client gets this error, if it asked for an acknowledgement; nothing is logged.
    case acknowledge(EventError)
    /// As ``report``; then the socket is disconnected, and with `close` the connection under it.
    case disconnect(close: Bool = false)
}

/// The hook that decides what follows when a handler fails.
typealias EventErrorHook = @Sendable (EventFailure) -> EventErrorAction

/// A server's hook.
final class EventErrorPolicy: Sendable {
    private let hook = Mutex<EventErrorHook?>(nil)

    var current: EventErrorHook? { hook.withLock { $0 } }

    func set(_ new: EventErrorHook?) { hook.withLock { $0 = new } }
}

extension SocketIOServer {
    /// Decides what follows when a handler or a middleware of a socket throws, or an event's arguments are not what its
    /// handler takes. Without a hook: ``EventErrorAction/report``. Such an error never ends more than that one call.
    ///
    /// ```swift
    /// io.onError { failure in
    ///     failure.error is EventError ? .report : .disconnect()
    /// }
    /// ```
    ///
    /// Called on the socket's event loop, for every namespace; it must not block. A second call replaces the hook.
    public func onError(_ hook: @escaping @Sendable (EventFailure) -> EventErrorAction) { errorPolicy.set(hook) }
}

extension Socket {
    /// As ``SocketIOServer/onError(_:)``, for this socket alone and in place of the server's.
    public func onError(_ hook: @escaping @Sendable (EventFailure) -> EventErrorAction) {
        withCore { $0.errorHook = hook }
    }
}

extension SocketCore {
    func logFailure(_ message: Logger.Message, _ event: String, _ error: any Error) {
        options.logger.info(
            message, metadata: ["event": "\(event)", "socket": "\(socket.id)", "error": "\(error)"])
    }

    /// A handler or a middleware failed on an event.
    func failed(_ event: IncomingEvent, _ error: any Error) {
        let failure = EventFailure(socket: socket, event: event, error: error)
        switch (errorHook ?? client.errorPolicy.current)?(failure) ?? .report {
        case .report:
            report(failure)
        case .ignore:
            break
        case .acknowledge(let error):
            event.acknowledge(ErrorAcknowledgement(error))
        case .disconnect(let close):
            report(failure)
            disconnect(close: close)
        }
    }

    private func report(_ failure: EventFailure) {
        logFailure("event handler failed", failure.event.name, failure.error)
        failure.event.acknowledge(ErrorAcknowledgement(EventError(shown: failure.error)))
    }
}
