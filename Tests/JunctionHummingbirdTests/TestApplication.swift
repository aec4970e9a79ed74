#if Hummingbird

    import Hummingbird
    import HummingbirdCore
    import JunctionSocketIO
    import Logging
    import NIOCore
    import RawClients
    import ServiceLifecycle
    import TestSupport
    import Testing

    /// A Hummingbird application under test, with routes of its own.
    struct TestApplication: Sendable {
        let address: SocketAddress
        private let group: ServiceGroup

        /// Begins a graceful shutdown.
        func shutDown() async { await group.triggerGracefulShutdown() }

        /// Runs an application while `body` runs; then it must end.
        static func run(
            _ server: HTTPServerBuilder, on loops: EventLoopGroupProvider = .singleton,
            _ body: (TestApplication) async throws -> Void
        ) async throws {
            let router = Router()
            router.get("/hello") { _, _ in "Hello" }
            router.post("/length") { request, _ in
                let body = try await request.body.collect(upTo: 1_000_000)
                return "\(body.readableBytes)"
            }
            let addresses = Box<SocketAddress>()
            var logger = Logger(label: "test")
            logger.logLevel = .warning
            let application = Application(
                router: router, server: server,
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { if let address = $0.localAddress { addresses.put(address) } },
                eventLoopGroupProvider: loops, logger: logger)
            let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                let address = try #require(await addresses.take())
                let outcome: Result<Void, any Error>
                do {
                    outcome = .success(try await body(TestApplication(address: address, group: group)))
                } catch {
                    outcome = .failure(error)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                try outcome.get()
            }
        }

        // MARK: The mounted server

        /// Sends each `echo` back; `join` lets the client into `room`.
        static func server(path: String = "/socket.io") -> SocketIOServer {
            var options = SocketIOOptions()
            options.path = path
            let io = SocketIOServer(options: options)
            io.onConnection { socket in
                socket.on("echo") { (event: IncomingEvent) in socket.emit("echo", arguments: try event.values()) }
                socket.on("join") { socket.join("room") }
            }
            return io
        }

        static func polling(_ sid: String) -> String { "/socket.io/?EIO=4&transport=polling&sid=\(sid)" }

        /// Opens a session by polling and connects to the main namespace.
        static func connectByPolling(_ connection: RawConnection) async throws -> String {
            let opened = try await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
            let sid = String(try #require(opened.body.firstMatch(of: /^0\{"sid":"([^"]+)"/)?.1))
            try #require(
                try await connection.request("POST", polling(sid), body: ByteBuffer(string: "40")).body == "ok")
            try #require(try await connection.request("GET", polling(sid)).body.hasPrefix(#"40{"sid":"#))
            return sid
        }

        /// Sends an event to a session that polls, and awaits the same one back.
        static func expectEcho(_ sid: String, _ connection: RawConnection) async throws {
            let event = #"42["echo","still here"]"#
            #expect(try await connection.request("POST", polling(sid), body: ByteBuffer(string: event)).body == "ok")
            #expect(try await connection.request("GET", polling(sid)).body == event)
        }
    }

#endif
