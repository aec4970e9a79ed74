import Logging
import SocketIOProtocol
import Synchronization

/// The namespaces of a server.
final class NamespaceTable: Sendable {
    typealias Listener = @Sendable (Namespace) -> Void

    let main: Namespace
    private let options: SocketIOOptions
    private let state: Mutex<State>

    private struct State {
        var namespaces: [String: Namespace]
        /// In the order in which they are asked.
        var parents: [ParentNamespace] = []
        /// How many clients are in each child, or on their way into it.
        var occupants: [String: Int] = [:]
        var children = 0
        var listeners: [Listener] = []
    }

    /// Where a client that asks for a namespace goes.
    enum Lookup {
        case found(Namespace)
        case none
        /// The name is known to none of the patterns before a function; that one and those behind it have to be asked.
        case ask(ArraySlice<ParentNamespace>)
    }

    init(options: SocketIOOptions) {
        self.options = options
        self.main = Namespace(name: "/", options: options)
        self.state = Mutex(State(namespaces: ["/": main]))
    }

    // MARK: The server's program

    /// The namespace of that name, made when it is not there yet.
    func of(_ name: String) -> Namespace {
        let name = name.hasPrefix("/") ? name : "/" + name
        if let known = state.withLock({ $0.namespaces[name] }) { return known }
        let parent = parents.first { parent in
            if case .pattern(let fits) = parent.rule { fits(name) } else { false }
        }
        return add(name, parent)
    }

    func add(_ rule: ParentNamespace.Rule) -> ParentNamespace {
        let parent = ParentNamespace(rule)
        state.withLock { $0.parents.append(parent) }
        return parent
    }

    func onNewNamespace(_ listener: @escaping Listener) { state.withLock { $0.listeners.append(listener) } }

    /// The servers of a cluster are told that this one goes.
    func close() async {
        for namespace in state.withLock({ Array($0.namespaces.values) }) { await namespace.adapter.close() }
    }

    private var parents: [ParentNamespace] { state.withLock { $0.parents } }

    private func add(_ name: String, _ parent: ParentNamespace?) -> Namespace {
        let made = Namespace(name: name, parent: parent, options: options)
        let (namespace, listeners) = state.withLock { state -> (Namespace, [Listener]) in
            // Somebody else was faster.
            if let known = state.namespaces[name] { return (known, []) }
            state.namespaces[name] = made
            if parent != nil { state.children += 1 }
            parent?.add(made)
            return (made, state.listeners)
        }
        for listener in listeners { listener(namespace) }
        return namespace
    }

    // MARK: Clients

    /// Looks for the namespace that a client wants to connect to, and makes it when a pattern fits. ``left(_:)`` must follow for
    /// one that was found.
    func enter(_ name: String) -> Lookup {
        if name == "/" { return .found(main) }
        if let known = occupy(name) { return .found(known) }
        let parents = parents
        for (index, parent) in parents.enumerated() {
            switch parent.rule {
            case .pattern(let fits):
                if fits(name) { return makeChild(name, of: parent) }
            case .function:
                return .ask(parents[index...])
            }
        }
        return .none
    }

    /// Goes on where a function has to be asked. An error is a no, as in the JavaScript server.
    func enter(_ name: String, _ auth: SocketIOValue, asking parents: ArraySlice<ParentNamespace>) async -> Lookup {
        for parent in parents {
            let fits =
                switch parent.rule {
                case .pattern(let fits): fits(name)
                case .function(let allows): (try? await allows(name, auth)) ?? false
                }
            if fits { return makeChild(name, of: parent) }
        }
        return .none
    }

    private func makeChild(_ name: String, of parent: ParentNamespace) -> Lookup {
        // Made by another client meanwhile?
        while true {
            if let known = occupy(name) { return .found(known) }
            guard state.withLock({ $0.children < options.maximumChildNamespaces }) else {
                options.logger.warning("too many namespaces, client refused", metadata: ["namespace": "\(name)"])
                return .none
            }
            _ = add(name, parent)
        }
    }

    /// The namespace of that name with one client more in it.
    private func occupy(_ name: String) -> Namespace? {
        state.withLock { state in
            guard let namespace = state.namespaces[name] else { return nil }
            if namespace.parent != nil { state.occupants[name, default: 0] += 1 }
            return namespace
        }
    }

    /// A client is no longer in a namespace, or was not let in.
    func left(_ namespace: Namespace) {
        guard let parent = namespace.parent else { return }
        let isEmpty = state.withLock { state in
            let count = (state.occupants[namespace.name] ?? 0) - 1
            state.occupants[namespace.name] = count > 0 ? count : nil
            guard count <= 0, options.cleanupEmptyChildNamespaces else { return false }
            state.namespaces[namespace.name] = nil
            state.children -= 1
            parent.remove(namespace)
            return true
        }
        guard isEmpty else { return }
        // Ends when the adapter has said goodbye.
        Task { await namespace.adapter.close() }
    }
}
