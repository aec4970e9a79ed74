import ArgumentParser
import JunctionSocketIO

/// The application that the official test suites of the Engine.IO and Socket.IO protocols expect: plain Engine.IO at
/// `/engine.io/`, Socket.IO at `/socket.io/`, on both loopback addresses.
@main
struct ConformanceServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "conformance-server")

    @Option(help: "The TCP port.") var port = 3000
    @Option(help: "Milliseconds between two pings.") var pingInterval = 300
    @Option(help: "Milliseconds for the pong.") var pingTimeout = 200
    @Option(help: "Milliseconds in which a client has to connect to a namespace.") var connectTimeout = 1000
    @Option(help: "Bytes of the largest message.") var maxPayload = 1_000_000
    @Option(help: "Pages of which origin may connect; '*' is every one.") var cors = "*"

    func run() async throws {
        var engineOptions = EngineIOOptions()
        engineOptions.pingInterval = .milliseconds(pingInterval)
        engineOptions.pingTimeout = .milliseconds(pingTimeout)
        engineOptions.maxHttpBufferSize = maxPayload
        engineOptions.cors = cors == "*" ? .any : .origins([cors])
        var options = SocketIOOptions()
        options.engine = engineOptions
        options.connectTimeout = .milliseconds(connectTimeout)

        let mounts = [engineServer(engineOptions).mount(at: "/engine.io"), socketIOServer(options).mount()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for host in ["127.0.0.1", "::1"] {
                let web = WebServer(host: host, port: port, mounts: mounts)
                group.addTask { try await web.run { print("listening on \($0)") } }
            }
            try await group.waitForAll()
        }
    }

    /// Sends each message back as it came.
    private func engineServer(_ options: EngineIOOptions) -> EngineIOServer {
        let engine = EngineIOServer(options: options)
        engine.onConnection { session in
            session.onMessage { session.send($0) }
        }
        return engine
    }

    private func socketIOServer(_ options: SocketIOOptions) -> SocketIOServer {
        let io = SocketIOServer(options: options)
        for namespace in [io.of("/"), io.of("/custom")] {
            namespace.onConnection { socket async in
                socket.on("message") { (event: IncomingEvent) in
                    socket.emit("message-back", arguments: try event.values())
                }
                socket.on("message-with-ack") { (event: IncomingEvent) in
                    event.acknowledge(arguments: try event.values())
                }
                // The suite's client listens for one message at a time: with `ws`, which hands over all the messages of a
                // read in one go, it misses the second of two that arrive together.
                try? await Task.sleep(for: .milliseconds(5))
                socket.emit("auth", socket.handshake.auth)
            }
        }
        return io
    }
}
