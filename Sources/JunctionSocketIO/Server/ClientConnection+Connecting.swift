import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol

/// How a client gets into a namespace: the namespace is found or made, middleware decides, handlers are called.
extension ClientConnection {
    func connect(_ name: String, _ auth: SocketIOValue) {
        let count = others.count + pending.count + (main == nil ? 0 : 1)
        guard count < options.maximumNamespacesPerConnection else {
            options.logger.warning("too many namespaces, client cut off", metadata: ["session": "\(session.id)"])
            return abort()
        }
        switch server.namespaces.enter(name) {
        case .found(let namespace):
            enter(namespace, auth)
        case .none:
            refuse(name, ConnectError("Invalid namespace"))
        case .ask(let parents):
            pending.insert(name)
            // Bound to the connection: what it finds for one that is gone is left again.
            let bound = NIOLoopBound(self, eventLoop: session.executor.eventLoop)
            Task(executorPreference: session.executor) { [server] in
                let lookup = await server.namespaces.enter(name, auth, asking: parents)
                bound.value.asked(name, auth, lookup)
            }
        }
    }

    private func asked(_ name: String, _ auth: SocketIOValue, _ lookup: NamespaceTable.Lookup) {
        pending.remove(name)
        guard case .found(let namespace) = lookup else {
            return refuse(name, ConnectError("Invalid namespace"))
        }
        guard session.isOpen else { return server.namespaces.left(namespace) }
        enter(namespace, auth)
    }

    private func enter(_ namespace: Namespace, _ auth: SocketIOValue) {
        guard let journal = namespace.local.recovery, let claim = RecoveryJournal.Claim(auth) else {
            return admit(to: namespace, auth, nil)
        }
        pending.insert(namespace.name)
        let bound = NIOLoopBound(self, eventLoop: session.executor.eventLoop)
        Task(executorPreference: session.executor) {
            let restored = await journal.restore(claim)
            bound.value.found(restored, in: namespace, auth, journal)
        }
    }

    /// The state of a client that asked for it was looked for.
    private func found(
        _ restored: RecoveryJournal.Restoration?, in namespace: Namespace, _ auth: SocketIOValue,
        _ journal: RecoveryJournal
    ) {
        pending.remove(namespace.name)
        if session.isOpen { return admit(to: namespace, auth, restored) }
        if let restored { journal.giveUp(restored) }
        server.namespaces.left(namespace)
    }

    private func admit(
        to namespace: Namespace, _ auth: SocketIOValue, _ restored: RecoveryJournal.Restoration?
    ) {
        let socket = Socket(namespace: namespace, client: self, auth: auth, options: options, restored: restored)
        let lists = namespace.connectionHandlers.current
        let isTrusted = restored != nil && options.connectionStateRecovery?.skipMiddlewares == true
        if isTrusted { return confirm(socket, lists.handlers) }
        for (index, middleware) in lists.middleware.enumerated() {
            guard case .inline(let middleware) = middleware else { return wait(for: lists, from: index, socket) }
            do {
                try middleware(socket)
            } catch {
                return refuse(socket, error)
            }
        }
        confirm(socket, lists.handlers)
    }

    /// Calls the rest of the middleware in a task.
    private func wait(for lists: ConnectionHandlers.Lists, from index: Int, _ socket: Socket) {
        pending.insert(socket.namespace.name)
        // Bound to the connection: what it decides about one that is gone is ignored.
        let bound = NIOLoopBound(self, eventLoop: session.executor.eventLoop)
        Task(executorPreference: session.executor) {
            do {
                for middleware in lists.middleware[index...] {
                    switch middleware {
                    case .inline(let middleware): try middleware(socket)
                    case .asynchronous(let middleware): try await middleware(socket)
                    }
                }
                bound.value.decided(socket, nil, lists.handlers)
            } catch {
                bound.value.decided(socket, error, lists.handlers)
            }
        }
    }

    private func decided(_ socket: Socket, _ refusal: (any Error)?, _ handlers: [ConnectionHandlers.Handler]) {
        pending.remove(socket.namespace.name)
        if let refusal { return refuse(socket, refusal) }
        confirm(socket, handlers)
    }

    /// The socket is not connected after all.
    private func drop(_ socket: Socket) {
        socket.core?.recovery?.giveUp()
        socket.detach()
        server.namespaces.left(socket.namespace)
    }

    private func refuse(_ socket: Socket, _ refusal: any Error) {
        drop(socket)
        guard session.isOpen else { return }
        if !(refusal is ConnectError) {
            options.logger.warning(
                "middleware failed", metadata: ["namespace": "\(socket.namespace.name)", "error": "\(refusal)"])
        }
        let error = refusal as? ConnectError ?? ConnectError("Internal error")
        if isOld { refuseOld(socket.namespace.name, error) } else { refuse(socket.namespace.name, error) }
    }

    private func refuse(_ namespace: String, _ error: ConnectError) {
        try? session.send(options.parser) { parser, buffer in
            try parser.encodeConnectError(
                namespace: namespace, message: error.message, data: error.data, into: &buffer)
        }
    }

    private func confirm(_ socket: Socket, _ handlers: [ConnectionHandlers.Handler]) {
        // Middleware may have ended the connection, or taken longer than the client stayed.
        guard session.isOpen, let core = socket.core else { return drop(socket) }
        connectTimer?.cancel()
        connectTimer = nil
        if socket.namespace.name == "/" { main = socket } else { others[socket.namespace.name] = socket }
        guard core.connect() else {
            // Told to be recovered already, it is not: the client has to come once more.
            remove(socket)
            socket.detach()
            return closeAll(.forcedServerClose)
        }
        for (index, handler) in handlers.enumerated() {
            switch handler {
            case .inline(let handler): handler(socket)
            case .asynchronous: return goOn(socket, Array(handlers[index...]))
            }
        }
        core.connectionHandled()
    }

    /// Calls the rest of the connection handlers in a task.
    private func goOn(_ socket: Socket, _ handlers: [ConnectionHandlers.Handler]) {
        Task(executorPreference: socket.executor) {
            for handler in handlers {
                switch handler {
                case .inline(let handler): handler(socket)
                case .asynchronous(let handler): await handler(socket)
                }
            }
            socket.core?.connectionHandled()
        }
    }
}
