import JunctionCore
import JunctionTransport
import NIOCore
import TestSupport
import Testing

@Suite("Dialling", .timeLimit(.minutes(5)))
struct DialerTests {
    /// Connects, and gives back the channel without any handlers.
    private func dial(_ options: ConnectOptions) async throws -> any Channel {
        try await Dialer(.host("device", port: 7), options: options).dial { $0 }
    }

    @Test("the second address is used when the first one refuses, and both are told of in order")
    func secondAddress() async throws {
        let refusing = try BoundPort.silent()
        try await withAcceptor { address, _ in
            let log = AttemptLog()
            var options = ConnectOptions()
            options.attemptDelay = .seconds(60)  // it is the refusal that lets the next one begin
            options.resolver = RecordingResolver(refusing.address, address)
            options.onAttempt = log.add
            let channel = try await dial(options)
            #expect(channel.remoteAddress == address)
            #expect(
                log.lines == [
                    "1 started \(refusing.address.text)", "1 failed ECONNREFUSED \(refusing.address.text)",
                    "2 started \(address.text)", "2 succeeded \(address.text)",
                ])
            try await channel.close()
        }
    }

    @Test("one error names every address that refuses, in words and one by one")
    func allRefuse() async throws {
        let (first, second) = (try BoundPort.silent(), try BoundPort.silent())
        var options = ConnectOptions()
        options.attemptDelay = .seconds(60)
        options.resolver = RecordingResolver(first.address, second.address)
        let error = await networkError { _ = try await dial(options) }
        #expect(error?.code == .connectionRefused)
        #expect(
            error?.message == """
                connect to device:7: \(first.address.text) connection refused; \
                \(second.address.text) connection refused
                """)
        #expect(error?.underlying.map(\.address) == [first.address, second.address])
        #expect(error?.underlying.map(\.code) == [.connectionRefused, .connectionRefused])
    }

    #if os(Linux)
        @Test("an address that does not answer loses against a later one, and is abandoned only then")
        func blackHole() async throws {
            let hole = try BoundPort.blackHole()
            try await withAcceptor { address, _ in
                let log = AttemptLog()
                var options = ConnectOptions()
                options.timeout = nil
                options.attemptDelay = .milliseconds(10)
                options.resolver = RecordingResolver(hole.address, address)
                options.onAttempt = log.add
                let channel = try await dial(options)
                #expect(
                    log.lines == [
                        "1 started \(hole.address.text)", "2 started \(address.text)",
                        "2 succeeded \(address.text)", "1 abandoned \(hole.address.text)",
                    ])
                try await channel.close()
            }
        }

        @Test("the time for all ends a connect that nobody answers")
        func timeout() async throws {
            let hole = try BoundPort.blackHole()
            var options = ConnectOptions()
            options.timeout = .milliseconds(50)
            let dialer = Dialer(.address(hole.address), options: options)
            let error = await networkError { _ = try await dialer.dial { $0 } }
            #expect(error?.description == "ETIMEDOUT: connect to \(hole.address.text): no answer within 50 ms")
        }

        @Test("the time for one attempt ends that one, and the next begins")
        func attemptTimeout() async throws {
            let hole = try BoundPort.blackHole()
            try await withAcceptor { address, _ in
                let log = AttemptLog()
                var options = ConnectOptions()
                options.timeout = nil
                options.attemptDelay = .seconds(60)
                options.attemptTimeout = .seconds(2)
                options.resolver = RecordingResolver(hole.address, address)
                options.onAttempt = log.add
                try await dial(options).close()
                #expect(log.lines.contains("1 failed ETIMEDOUT \(hole.address.text)"))
                #expect(log.lines.last == "2 succeeded \(address.text)")
            }
        }

        @Test("cancelling the task abandons all attempts")
        func cancellation() async throws {
            let (first, second) = (try BoundPort.blackHole(), try BoundPort.blackHole())
            let log = AttemptLog()
            let events = Box<String>()
            var options = ConnectOptions()
            options.timeout = nil
            options.attemptDelay = .milliseconds(10)
            options.resolver = RecordingResolver(first.address, second.address)
            options.onAttempt = { attempt in
                log.add(attempt)
                events.put(attempt.line)
            }
            let task = Task { [options] in try await dial(options) }
            await events.take()
            await events.take()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(
                log.lines == [
                    "1 started \(first.address.text)", "2 started \(second.address.text)",
                    "1 abandoned \(first.address.text)", "2 abandoned \(second.address.text)",
                ])
        }
    #endif

    @Test("cancelling the task while the name is being resolved cancels the look-ups, too")
    func cancellationOfLookup() async throws {
        let (asked, ended) = (Box<AddressFamily>(), Box<Bool>())
        var options = ConnectOptions()
        options.timeout = nil
        options.resolver = CustomHostResolver { _, _, family in
            asked.put(family)
            await Gate().wait()
            ended.put(Task.isCancelled)
            return []
        }
        let task = Task { [options] in try await dial(options) }
        let families = Set([await asked.take(), await asked.take()])
        #expect(families == [.ipv4, .ipv6])
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(await ended.take() == true)
        #expect(await ended.take() == true)
    }

    @Test("a task that is cancelled already connects to nothing")
    func cancelledBefore() async throws {
        let log = AttemptLog()
        try await withAcceptor { address, _ in
            let gate = Gate()
            var options = ConnectOptions()
            options.onAttempt = log.add
            let task = Task { [options] in
                await gate.wait()
                return try await Dialer(.address(address), options: options).dial { $0 }
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(log.lines.isEmpty)
    }

    @Test("connects from the local address and port that are asked for")
    func localAddress() async throws {
        let local = try BoundPort.silent()
        let port = try #require(local.address.port)
        try await withAcceptor { address, accepted in
            var options = ConnectOptions()
            options.localPort = port
            let channel = try await Dialer(.address(address), options: options).dial { $0 }
            #expect(channel.localAddress == local.address)
            try await channel.close()
            #expect(await accepted.take()?.peer == local.address)
        }
        #if os(Linux)  // where all of 127.0.0.0/8 is this machine
            try await withAcceptor { address, accepted in
                var options = ConnectOptions()
                options.localAddress = "127.0.0.9"
                try await Dialer(.address(address), options: options).dial { $0 }.close()
                #expect(await accepted.take()?.peer?.ipAddress == "127.0.0.9")
            }
        #endif
    }

    @Test("asks for and tries addresses of the wanted family alone")
    func family() async throws {
        try await withAcceptor { address, _ in
            let log = AttemptLog()
            let resolver = RecordingResolver(try SocketAddress(ipAddress: "::1", port: 1), address)
            var options = ConnectOptions()
            options.family = .ipv4
            options.resolver = resolver
            options.onAttempt = log.add
            try await dial(options).close()
            #expect(resolver.questions == ["device:7 IPv4"])
            #expect(log.lines == ["1 started \(address.text)", "1 succeeded \(address.text)"])

            let both = RecordingResolver(address)
            options.resolver = both
            options.family = nil
            try await dial(options).close()
            #expect(both.questions == ["device:7 IPv4", "device:7 IPv6"])

            let ofLocal = RecordingResolver(address)
            options.resolver = ofLocal
            options.localAddress = "127.0.0.1"
            try await dial(options).close()
            #expect(ofLocal.questions == ["device:7 IPv4"], "only that family can be reached from there")
        }
    }

    @Test("a filter keeps addresses from being connected to")
    func filter() async throws {
        try await withAcceptor { address, _ in
            var options = ConnectOptions()
            options.filter = { $0 != address }
            let error = await networkError {
                _ = try await Dialer(.address(address), options: options).dial { $0 }
            }
            #expect(error?.description == "ERR_IP_BLOCKED: connect to \(address.text): the address is blocked")
        }
    }

    @Test("connects to a Unix domain socket")
    func unixPath() async throws {
        let path = "/tmp/junction-dial-\(UInt64.random(in: 0 ... .max)).sock"
        let address = try SocketAddress(unixDomainSocketPath: path)
        let missing = await networkError { _ = try await Dialer(.address(address)).dial { $0 } }
        #expect(missing?.code == .noSuchFile)
        try await withAcceptor(on: address) { _, accepted in
            let channel = try await Dialer(.address(address)).dial { $0 }
            try await channel.writeAndFlush(ByteBuffer(string: "hello"))
            try await channel.close()
            #expect(await accepted.take()?.text == "hello")
        }
    }

    @Test("the pipeline is built once, for the connection that is used, before anything is read")
    func winnerAlone() async throws {
        let refusing = try BoundPort.silent()
        try await withAcceptor(greeting: "hello") { address, _ in
            let built = Box<Bool>()
            let read = Box<String>()
            var options = ConnectOptions()
            options.resolver = RecordingResolver(refusing.address, address)
            let channel = try await Dialer(.host("device", port: 7), options: options).dial { channel in
                built.put(channel.isActive)
                try channel.pipeline.syncOperations.addHandler(TextReader(read))
                return channel
            }
            #expect(await built.take() == true)
            #expect(await read.take() == "hello")
            try await channel.close()
        }
    }

    @Test("an error while the pipeline is built ends the connect and the connection")
    func failingInitializer() async throws {
        try await withAcceptor { address, accepted in
            let error = await networkError {
                try await Dialer(.address(address)).dial { _ in
                    throw NetworkError(.tlsHandshakeFailed, "no")
                }
            }
            #expect(error?.code == .tlsHandshakeFailed)
            #expect(await accepted.take()?.text == "")
        }
    }

    @Test("the PROXY header comes first, before what the pipeline writes")
    func proxyHeader() async throws {
        let source = try SocketAddress(ipAddress: "192.0.2.7", port: 5_000)
        let destination = try SocketAddress(ipAddress: "192.0.2.1", port: 443)
        try await withAcceptor { address, accepted in
            var options = ConnectOptions()
            options.proxyHeader = .v1(source: source, destination: destination)
            let channel = try await Dialer(.address(address), options: options).dial { channel in
                channel.writeAndFlush(ByteBuffer(string: "hello"), promise: nil)
                return channel
            }
            try await channel.close()
            #expect(await accepted.take()?.text == "PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\nhello")
        }
    }

    @Test("options that cannot be kept are refused before anything is tried")
    func badOptions() async throws {
        let log = AttemptLog()
        func fault(_ target: Dialer.Target, _ set: (inout ConnectOptions) -> Void = { _ in }) async
            -> NetworkError.Code?
        {
            var options = ConnectOptions()
            options.onAttempt = log.add
            set(&options)
            return await networkError { [options] in
                _ = try await Dialer(target, options: options).dial { $0 }
            }?.code
        }
        let path = Dialer.Target.address(try SocketAddress(unixDomainSocketPath: "/tmp/none"))
        let ipv4 = Dialer.Target.host("127.0.0.1", port: 1)
        #expect(await fault(.host("localhost", port: 65_536)) == .invalidPort)
        #expect(await fault(.host("localhost", port: -1)) == .invalidPort)
        #expect(await fault(ipv4) { $0.localPort = 65_536 } == .invalidPort)
        #expect(await fault(ipv4) { $0.localAddress = "localhost" } == .invalidAddress)
        #expect(await fault(ipv4) { $0.family = .ipv6 } == .addressFamilyNotSupported)
        #expect(await fault(ipv4) { $0.localAddress = "::1" } == .addressFamilyNotSupported)
        #expect(
            await fault(ipv4) {
                $0.localAddress = "::1"
                $0.family = .ipv4
            } == .invalidArgument)
        #expect(await fault(path) { $0.localPort = 1 } == .invalidArgument)
        #expect(await fault(ipv4) { $0.proxyHeader = ProxyHeader(.v1) } == .invalidArgument)
        #expect(log.lines.isEmpty)
    }

    @Test("extreme times are kept within the clock's range")
    func extremeTimes() async throws {
        try await withAcceptor { address, _ in
            var options = ConnectOptions()
            options.timeout = .seconds(Int64.max)
            options.attemptTimeout = .seconds(Int64.max)
            options.attemptDelay = .seconds(-1)
            options.resolver = RecordingResolver(address)
            try await dial(options).close()
        }
    }
}

/// Hands on what is read, as text.
private final class TextReader: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let read: Box<String>

    init(_ read: Box<String>) { self.read = read }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        read.put(String(buffer: unwrapInboundIn(data)))
    }
}

@Suite("Resolving host names", .timeLimit(.minutes(5)))
struct HostResolverTests {
    private func text(
        _ resolver: any HostResolver, _ host: String, _ family: AddressFamily = .ipv4
    ) async throws -> [String] {
        try await resolver.addresses(of: host, port: 7, family: family).map(\.text)
    }

    @Test("the system knows this machine, each address once, and what is written as an address")
    func system() async throws {
        #expect(try await text(SystemResolver(), "localhost") == ["127.0.0.1:7"])
        #expect(try await text(SystemResolver(), "127.1") == ["127.0.0.1:7"])
        #expect(try await text(SystemResolver(), "127.1", .ipv6) == [])
        #expect(try await text(SystemResolver(), "::1", .ipv6) == ["[::1]:7"])
    }

    @Test("a name that cannot exist has no address, and no name server is asked")
    func invalidNames() async throws {
        for host in ["nowhere.invalid", "localhost\0.example", ""] {
            #expect(try await text(SystemResolver(), host) == [])
        }
    }

    @Test("a table gives the addresses of its names, in any letter case, and asks the next resolver for others")
    func table() async throws {
        let last = RecordingResolver(try SocketAddress(ipAddress: "127.0.0.9", port: 7))
        let resolver = StaticHostResolver(
            ["Sensor": ["127.0.0.3", "::3"], "bad": ["no address"]], otherwise: last)
        #expect(try await text(resolver, "sEnsor") == ["127.0.0.3:7", "[::3]:7"])
        #expect(try await text(resolver, "other", .ipv6) == ["127.0.0.9:7"])
        #expect(last.questions == ["other:7 IPv6"])
        let invalid = await networkError { _ = try await text(resolver, "bad") }
        #expect(invalid?.description == "ERR_INVALID_ADDRESS: resolve bad: no address is no IP address")
        let unknown = await networkError { _ = try await text(StaticHostResolver([:]), "other") }
        #expect(unknown?.code == .hostNotFound)
    }
}
