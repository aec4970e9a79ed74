import JunctionTransport
import NIOCore

/// Whom an event is for, and how it is to be sent; made step by step by the methods of ``AudienceChoosing`` and ``Broadcasting``.
public struct BroadcastOperator: Broadcasting {
    private let target: Target
    var audience = Audience()
    var flags: EmitFlags = []
    var timeout: Duration?
    var latestKey: String?

    private enum Target {
        case namespace(any Adapter)
        case children(of: ParentNamespace)
    }

    /// A namespace; `sender` is left out.
    init(namespace: Namespace, sender: Socket? = nil, flags: EmitFlags = []) {
        self.init(adapter: namespace.adapter)
        self.flags = flags
        if let sender { audience.except.insert(sender.id) }
    }

    init(adapter: any Adapter, audience: Audience = Audience()) {
        self.target = .namespace(adapter)
        self.audience = audience
    }

    init(parent: ParentNamespace) { self.target = .children(of: parent) }

    /// The same.
    public var broadcast: BroadcastOperator { self }

    func with(_ change: (inout BroadcastOperator) -> Void) -> BroadcastOperator {
        var copy = self
        change(&copy)
        return copy
    }

    /// Calls `body` for the adapter of each namespace that is meant.
    func forEachAdapter(_ body: (any Adapter, BroadcastOperator) -> Void) {
        switch target {
        case .namespace(let adapter): body(adapter, self)
        case .children(let parent): for child in parent.children { body(child.adapter, self) }
        }
    }

    func send(_ packet: EventPacket) {
        var packet = packet
        packet.latestKey = latestKey
        forEachAdapter { [packet] in $0.broadcast(packet, to: $1.audience, flags: $1.flags) }
    }

    /// Sends an event that is to be acknowledged.
    func ask(_ packet: EventPacket) -> BroadcastReplies {
        let replies = BroadcastReplies(timeout: timeout)
        if let timeout {
            let timer = EventLoops.next().scheduleTask(in: TimeAmount(timeout)) { replies.failForTimeout() }
            replies.whenOver { _ in timer.cancel() }
        }
        var adapters: [any Adapter] = []
        forEachAdapter { adapter, broadcast in
            adapters.append(adapter)
            adapter.broadcast(packet, to: broadcast.audience, flags: broadcast.flags, replies: replies)
        }
        guard !flags.contains(.local) else {
            replies.expect(servers: adapters.count)
            return replies
        }
        // Bound to the answers: whatever it learns when they are over is ignored.
        Task { [adapters] in
            do {
                var count = 0
                for adapter in adapters { count += try await adapter.serverCount() }
                replies.expect(servers: count)
            } catch {
                replies.fail(error)
            }
        }
        return replies
    }

    func fetch() async throws -> [RemoteSocket] {
        guard case .namespace(let adapter) = target else {
            throw SocketIOError(
                code: .notSupported, message: "fetchSockets() is not supported on parent namespaces")
        }
        return try await adapter.fetchSockets(in: audience, flags: flags).map { RemoteSocket($0, adapter: adapter) }
    }
}
