package import JunctionCore
package import NIOCore
import NIOPosix

/// Connects to a host, an address or the path of a Unix domain socket, as ``ConnectOptions`` say.
package struct Dialer: Sendable {
    /// Whom to connect to.
    package enum Target: Sendable {
        case host(String, port: Int)
        case address(SocketAddress)
    }

    private let target: Target
    private let options: ConnectOptions
    private let prepare: @Sendable (any Channel, SocketAddress) throws -> Void

    /// - Parameter prepare: sets the options of the socket of each attempt, before it connects. On the loop. Handlers do not
    ///   belong there: most attempts lose.
    package init(
        _ target: Target, options: ConnectOptions = ConnectOptions(),
        prepare: @escaping @Sendable (any Channel, SocketAddress) throws -> Void = Self.configure
    ) {
        self.target = target
        self.options = options
        self.prepare = prepare
    }

    /// What every stream of Junction is set up with; a `prepare` of one's own calls it first.
    package static let configure: @Sendable (any Channel, SocketAddress) throws -> Void = { channel, address in
        try StreamChannel.configure(channel)
    }

    /// Connects, on one loop.
    ///
    /// `initialize` builds the pipeline of the connection that won, on its loop: the channel is active, the PROXY protocol
    /// header has been sent, and nothing has been read. It runs once at most. An error that it throws closes the connection and
    /// is thrown on; no other address is tried.
    ///
    /// - Throws: ``NetworkError``, which names each attempt and has them in `underlying`; `CancellationError` when the task is
    ///   cancelled, which ends all attempts.
    package func dial<Output: Sendable>(
        on eventLoop: any EventLoop = EventLoops.group.next(),
        initialize: @escaping @Sendable (any Channel) throws -> Output
    ) async throws -> Output {
        let plan = try DialPlan(target, options)
        let race = DialRace(plan: plan, eventLoop: eventLoop, prepare: prepare) { channel in
            if let header = plan.header { channel.writeAndFlush(header, promise: nil) }
            return try initialize(channel)
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { race.start($0) }
        } onCancel: {
            race.cancel()
        }
    }
}

/// A target and its options, checked: what can be wrong with them is found before anything is tried.
struct DialPlan: Sendable {
    /// What errors say was tried.
    let action: String
    let host: String
    let port: Int
    /// Addresses that are known without a look-up; `nil` for a name.
    let addresses: [SocketAddress]?
    let resolver: any HostResolver
    let parameters: HappyEyeballs.Parameters
    let onAttempt: (@Sendable (ConnectAttempt) -> Void)?
    /// The PROXY protocol header as it is sent.
    let header: ByteBuffer?
    private let localAddress: SocketAddress?
    private let localPort: Int

    init(_ target: Dialer.Target, _ options: ConnectOptions) throws {
        switch target {
        case .host(let host, let port):
            self.host = host
            self.port = port
            action = "connect to \(ListenAddress.text(host: host, port: port))"
            guard UInt16(exactly: port) != nil else {
                throw NetworkError(.invalidPort, "\(action): a port is a number from 0 to 65535")
            }
            addresses = try SocketAddress.literal(host, port: port, doing: action).map { [$0] }
        case .address(let address):
            host = address.text
            port = address.port ?? 0
            action = "connect to \(address.text)"
            addresses = [address]
        }
        localPort = options.localPort ?? 0
        guard UInt16(exactly: localPort) != nil else {
            throw NetworkError(.invalidPort, "\(action): a local port is a number from 0 to 65535")
        }
        localAddress = try options.localAddress.map { [action, localPort] text in
            guard let address = try SocketAddress.literal(text, port: localPort, doing: action) else {
                throw NetworkError(.invalidAddress, "\(action): the local address \(text) is no IP address")
            }
            return address
        }
        let families = Self.families(options.family, localAddress)
        guard !families.isEmpty else {
            throw NetworkError(.invalidArgument, "\(action): the local address and the family do not fit together")
        }
        for address in addresses ?? [] { try Self.check(address, families, options, action) }
        header = try options.proxyHeader.map { try $0.encoded() }
        resolver = options.resolver ?? SystemResolver()
        onAttempt = options.onAttempt
        var parameters = HappyEyeballs.Parameters()
        parameters.attemptDelay = max(Self.amount(options.attemptDelay), .milliseconds(10))
        parameters.attemptTimeout = options.attemptTimeout.map(Self.amount)
        parameters.timeout = options.timeout.map(Self.amount)
        parameters.maximumAttempts = max(options.maximumAttempts, 1)
        parameters.families = families
        parameters.filter = options.filter
        self.parameters = parameters
    }

    /// A deadline beyond the clock's range would trap.
    private static func amount(_ duration: Duration) -> TimeAmount {
        min(TimeAmount(duration), .hours(24 * 365))
    }

    private static func families(_ wanted: AddressFamily?, _ local: SocketAddress?) -> Set<AddressFamily> {
        var families = Set(AddressFamily.allCases)
        if let wanted { families.formIntersection([wanted]) }
        if let local, let family = AddressFamily(of: local) { families.formIntersection([family]) }
        return families
    }

    /// An address that was asked for by itself cannot be left out without a word.
    private static func check(
        _ address: SocketAddress, _ families: Set<AddressFamily>, _ options: ConnectOptions, _ action: String
    ) throws {
        guard let family = AddressFamily(of: address) else {
            if options.localAddress == nil, options.localPort == nil { return }
            throw NetworkError(.invalidArgument, "\(action): a Unix domain socket has no local address to choose")
        }
        guard families.contains(family) else {
            let text = "\(action): the options leave out \(family)"
            throw NetworkError(.addressFamilyNotSupported, text, address: address)
        }
    }

    /// What the socket for an attempt is bound to.
    func bindTarget(for address: SocketAddress) -> SocketAddress? {
        if let localAddress { return localAddress }
        guard localPort != 0, let family = AddressFamily(of: address) else { return nil }
        return try? SocketAddress(ipAddress: family == .ipv4 ? "0.0.0.0" : "::", port: localPort)
    }

    /// The port of this machine was chosen, so that it may have been in use a moment ago.
    var reusesLocalPort: Bool { localPort != 0 }
}

extension SocketAddress {
    /// The address that the text is, its zone included; `nil` for a host name.
    ///
    /// - Throws: ``NetworkError`` `.invalidAddress` when the zone is no interface of this machine.
    package static func literal(
        _ text: String, port: Int, doing action: String
    ) throws(NetworkError) -> SocketAddress? {
        guard let address = IPAddress(text) else { return nil }
        do {
            return try SocketAddress(address, port: port)
        } catch {
            throw NetworkError(error.code, "\(action): \(error.message)")
        }
    }
}
