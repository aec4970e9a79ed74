import JunctionSocketIO
import TLSTesting
import Testing

/// python-socketio with servers that share a port, speak TLS, or go away.
@Suite(.serialized, .timeLimit(.minutes(5))) struct MountInteropTests {
    private static let transports = ["polling", "websocket", "upgrade"]

    /// Runs the scenario; what it observes it checks itself.
    private func expect(_ scenario: String, _ arguments: [String]) async throws {
        let printed = try await PeerProcess.output(.python, ["mount_client", scenario] + arguments)
        #expect(printed.last == "ok \(scenario)")
    }

    @Test(
        "python-socketio talks to two servers on one port by their paths", Peer.python.requirement,
        arguments: transports)
    func severalPaths(_ transport: String) async throws {
        let servers = ["/one", "/other"].map { path in
            var options = SocketIOOptions()
            options.path = path
            let io = SocketIOServer(options: options)
            io.onConnection { socket in
                socket.on("where") { path }
            }
            return io
        }
        let web = WebServer(host: "127.0.0.1", port: 0, mounts: servers.map { $0.mount() })
        try await web.withListening { address in
            let url = "http://localhost:\(try address.portText)"
            try await expect("paths", [url, "--transport", transport])
        }
    }

    @Test(
        "python-socketio connects by https and wss, and trusts the server's certificate",
        Peer.python.requirement, TestCertificates.requirement, arguments: transports)
    func secure(_ transport: String) async throws {
        let certificates = try await TestCertificates.shared()
        var configuration = WebServer.Configuration()
        configuration.tls = try ServerTLS(identity: TLSIdentity(certificates.localhost))
        let io = SocketIOServer(host: "127.0.0.1", configuration: configuration)
        io.onConnection { socket in
            socket.on("secure") { socket.handshake.secure }
            socket.on("echo") { (event: IncomingEvent) in event.acknowledge(arguments: try event.values()) }
        }
        try await certificates.withFiles { directory in
            try await io.withListening { address in
                let url = "https://localhost:\(try address.portText)"
                try await expect("secure", [url, "--transport", transport, "--authority", "\(directory)/ca.pem"])
            }
        }
    }

    @Test(
        "python-socketio gets what was emitted before the server closes, and then learns of the end",
        Peer.python.requirement, arguments: transports)
    func closing(_ transport: String) async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { socket in
            socket.on("close") {
                for number in 0..<10 { socket.emit("number", number) }
                io.close()
            }
        }
        try await io.withListening { address in
            try await expect("closing", ["http://localhost:\(try address.portText)", "--transport", transport])
        }
    }
}

#if Hummingbird

    import Hummingbird
    import HummingbirdCore
    import JunctionHummingbird
    import NIOCore
    import ServiceLifecycle
    import TestSupport

    extension MountInteropTests {
        @Test(
            "python-socketio talks to a server on a Hummingbird application, whose routes answer it, too",
            Peer.python.requirement, arguments: transports)
        func hummingbird(_ transport: String) async throws {
            let router = Router()
            router.get("/hello") { _, _ in "Hello" }
            let addresses = Box<SocketAddress>()
            let application = Application(
                router: router, server: .http1(mounting: SocketIOApplication.server().mount()),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { if let address = $0.localAddress { addresses.put(address) } })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                let url = "http://localhost:\(try #require(await addresses.take()).portText)"
                try await expect("hummingbird", [url, "--transport", transport])
                for scenario in ["echo", "binary", "ack", "namespace", "rooms", "disconnect"] {
                    let printed = try await PeerProcess.output(
                        .python, ["socketio_client", scenario, url, "--transport", transport])
                    #expect(printed.last == "ok \(scenario)")
                }
                group.cancelAll()
                // Cancelled, not shut down: how it ends is the application's.
                while let _ = await group.nextResult() {}
            }
        }
    }

#endif
