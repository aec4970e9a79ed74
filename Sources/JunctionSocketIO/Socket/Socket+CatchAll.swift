import EngineIOProtocol
import JunctionTransport
import Logging
import NIOCore
public import SocketIOProtocol

extension Socket {
    // MARK: Events that come

    /// Calls `handler` for each event of the client, whatever its name, before middleware and the event's own handlers.
    ///
    /// ```swift
    /// socket.onAny { event in print(event.name, try event.values()) }
    /// ```
    ///
    /// It runs on the socket's event loop and must not block. An acknowledgement that it sends is the event's.
    ///
    /// - Returns: what ``offAny(_:)`` takes.
    @discardableResult
    public func onAny(_ handler: @escaping @Sendable (IncomingEvent) throws -> Void) -> EventListener {
        addAny(.inline(handler))
    }

    /// Calls `handler` for each event of the client, whatever its name, in the socket's task.
    @discardableResult @_disfavoredOverload
    public func onAny(_ handler: @escaping @Sendable (IncomingEvent) async throws -> Void) -> EventListener {
        addAny(.asynchronous(handler))
    }

    /// As `onAny`, but called before the catch-all handlers that are there already.
    @discardableResult
    public func prependAny(_ handler: @escaping @Sendable (IncomingEvent) throws -> Void) -> EventListener {
        addAny(.inline(handler), first: true)
    }

    /// As `onAny`, but called before the catch-all handlers that are there already.
    @discardableResult @_disfavoredOverload
    public func prependAny(_ handler: @escaping @Sendable (IncomingEvent) async throws -> Void) -> EventListener {
        addAny(.asynchronous(handler), first: true)
    }

    /// Takes a catch-all handler away, or all of them.
    public func offAny(_ listener: EventListener? = nil) {
        withCore { core in
            core.changeInterceptors { if let listener { $0.any.remove(listener) } else { $0.any.removeAll() } }
        }
    }

    private func addAny(_ handler: EventHandler, first: Bool = false) -> EventListener {
        let entry = ListenerList.Entry(listener: EventListener(.any), handler: handler)
        withCore { core in
            core.changeInterceptors { if first { $0.any.prepend(entry) } else { $0.any.append(entry) } }
        }
        return entry.listener
    }

    // MARK: Events that leave

    /// Calls `handler` for each event that is about to be sent to the client, broadcasts among them, in the order in which
    /// they are sent. Acknowledgements are no events.
    ///
    /// ```swift
    /// socket.onAnyOutgoing { event in print(event.name, try event.values()) }
    /// ```
    ///
    /// It runs on the socket's event loop and must not block. While there is one, each event of the socket is decoded for it.
    ///
    /// - Returns: what ``offAnyOutgoing(_:)`` takes.
    @discardableResult
    public func onAnyOutgoing(_ handler: @escaping @Sendable (OutgoingEvent) throws -> Void) -> EventListener {
        addAnyOutgoing(handler, first: false)
    }

    /// As ``onAnyOutgoing(_:)``, but called before those that are there already.
    @discardableResult
    public func prependAnyOutgoing(_ handler: @escaping @Sendable (OutgoingEvent) throws -> Void) -> EventListener {
        addAnyOutgoing(handler, first: true)
    }

    /// Takes a catch-all handler of events that leave away, or all of them.
    public func offAnyOutgoing(_ listener: EventListener? = nil) {
        withCore { core in
            core.changeOutgoing { if let listener { $0.remove(listener) } else { $0.removeAll() } }
        }
    }

    private func addAnyOutgoing(
        _ handler: @escaping @Sendable (OutgoingEvent) throws -> Void, first: Bool
    ) -> EventListener {
        let entry = ListenerList.Entry(listener: EventListener(.anyOutgoing), handler: handler)
        withCore { core in
            core.changeOutgoing { if first { $0.prepend(entry) } else { $0.append(entry) } }
        }
        return entry.listener
    }
}

/// An event on its way to the client, as catch-all handlers see it.
public struct OutgoingEvent: Sendable {
    /// The event's name.
    public let name: String
    /// Its arguments, decoded when they are asked for.
    public let arguments: EventArguments

    /// All arguments as dynamic values.
    public func values() throws -> [SocketIOValue] {
        var arguments = arguments
        return try arguments.remaining()
    }

    /// Nil for a packet that is no event.
    init?(_ message: EncodedMessage, _ parser: SocketIOParser) {
        guard let arguments = try? EventArguments(sent: message, parser), let name = arguments.event
        else { return nil }
        self.name = name
        self.arguments = arguments
    }
}

extension EventArguments {
    /// The arguments of an event that this side encoded.
    init(sent message: EncodedMessage, _ parser: SocketIOParser) throws {
        self = try EventArguments(try message.decoded(by: parser))
    }
}

/// Handlers of the events that a socket sends.
typealias OutgoingListeners = ListenerList<@Sendable (OutgoingEvent) throws -> Void>

extension SocketCore {
    func changeOutgoing(_ body: (inout OutgoingListeners) -> Void) {
        var changed = outgoing ?? OutgoingListeners()
        body(&changed)
        outgoing = changed.isEmpty ? nil : changed
    }

    /// Sends a packet that catch-all handlers are shown first.
    func sendShown(flags: EmitFlags, _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket) {
        do {
            send(try EncodedMessage(options.parser, encode), flags: flags)
        } catch {
            socket.logUnsent(error)
        }
    }

    /// Shows a packet that is about to be sent to the handlers, where it is an event.
    func showOutgoing(_ message: EncodedMessage, to listeners: OutgoingListeners) {
        guard let event = OutgoingEvent(message, options.parser) else { return }
        for entry in listeners.entries {
            do { try entry.handler(event) } catch { logFailure("outgoing handler failed", event.name, error) }
        }
    }
}
