import JunctionTransport
import Logging
import SocketIOProtocol

extension Socket {
    /// Takes a handler away, whatever added it: `on`, `once`, `onAny`, `onDisconnect` …. An event that is being handled when
    /// this is called still reaches it.
    public func off(_ listener: EventListener) {
        withCore { $0.remove(listener) }
    }

    /// Takes all handlers of an event away.
    public func off(_ event: String) {
        withCore { $0.listeners.removeAll(of: event) }
    }

    /// Takes the handlers of all events away; the catch-all ones, middleware and the disconnect handlers stay.
    public func off() {
        withCore { $0.listeners.removeAll() }
    }

    func add(_ event: String, once: Bool = false, _ handler: EventHandler) -> EventListener {
        let listener = EventListener(.event(event))
        if ReservedEvent.contains(event) {
            namespace.logger.error(
                "no client can send an event of that name, handler not added",
                metadata: ["event": "\(event)", "socket": "\(id)"])
            return listener
        }
        withCore { core in
            core.listeners.change(event) {
                $0.append(ListenerList.Entry(listener: listener, handler: handler, isOnce: once))
            }
        }
        return listener
    }
}

extension SocketCore {
    func remove(_ listener: EventListener) {
        switch listener.place {
        case .event(let name):
            listeners.change(name) { $0.remove(listener) }
        case .any:
            changeInterceptors { $0.any.remove(listener) }
        case .anyOutgoing:
            changeOutgoing { $0.remove(listener) }
        case .disconnecting:
            onDisconnecting.remove(listener)
        case .disconnect:
            onDisconnect.remove(listener)
        }
    }

    /// The handlers to call for an event now; those that are called one time only are spent by it.
    func takeListeners(of name: String) -> EventListeners? {
        guard let called = listeners[name] else { return nil }
        if called.hasOnce { listeners.change(name) { $0.removeOnce() } }
        return called
    }
}
