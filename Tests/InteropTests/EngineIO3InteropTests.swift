import JunctionSocketIO
import NIOCore
import Testing

/// The Socket.IO server against python-socketio 4, a client of Socket.IO 2 by Engine.IO 3.
///
/// One test at a time: each starts programs, and many at once would only wait for each other.
@Suite(.serialized) struct EngineIO3InteropTests {
    private static var options: SocketIOOptions {
        var options = SocketIOOptions()
        options.engine.allowEIO3 = true
        return options
    }

    @Test(
        "A scenario of python-socketio 4 passes by every transport", Peer.oldPython.requirement,
        arguments: ["connects", "echo", "binary", "ack", "namespace", "refusal", "rooms"],
        ["polling", "websocket", "upgrade"])
    func scenario(_ scenario: String, _ transport: String) async throws {
        try await expect(scenario, by: transport, SocketIOApplication.server(options: Self.options))
    }

    @Test(
        "python-socketio 4 pings, gets its pongs, and stays for longer than the server waits for a ping",
        Peer.oldPython.requirement, arguments: ["polling", "websocket"])
    func heartbeat(_ transport: String) async throws {
        var options = Self.options
        options.engine.pingInterval = .seconds(1)
        options.engine.pingTimeout = .seconds(1)
        try await expect("heartbeat", by: transport, SocketIOApplication.server(options: options))
    }

    @Test(
        "python-socketio 4 is disconnected by the server, and leaves by itself, which the server notices",
        Peer.oldPython.requirement, .timeLimit(.minutes(1)), arguments: ["polling", "websocket", "upgrade"])
    func disconnect(_ transport: String) async throws {
        let journal = Journal()
        let io = SocketIOApplication.server(options: Self.options)
        io.onConnection { socket in socket.onDisconnect { journal.write($0.rawValue) } }
        try await expect("disconnect", by: transport, io)
        #expect(await journal.nextLine() == "server namespace disconnect")
        // The client closes the connection at once behind its packet, which may be overtaken. By polling it may end before
        // the packet has left; then the server does not learn of it.
        var reasons = ["client namespace disconnect", "transport close", "transport error"]
        if transport == "polling" { reasons.append("server shutting down") }
        let reason = await journal.nextLine() ?? "nothing"
        #expect(reasons.contains(reason), "\(reason)")
    }

    @Test("python-socketio 4 is not let in unless the server allows it", Peer.oldPython.requirement)
    func notAllowed() async throws {
        try await SocketIOApplication.server().withListening { address in
            let url = "http://localhost:\(try address.portText)"
            try await PeerProcess.run(.oldPython, ["eio3_client", "connects", url]) { client in
                let line = try await client.expect(prefix: "failed connects: ConnectionError ")
                #expect(line.contains("400"))
                try await client.expectEnd(status: 1)
            }
        }
    }

    @Test(
        "A client of each revision in one room: broadcasts of text and bytes reach both, and they hear each other",
        Peer.oldPython.requirement, Peer.python.requirement, arguments: ["polling", "websocket", "upgrade"])
    func mixedRoom(_ transport: String) async throws {
        let io = SocketIOApplication.server(options: Self.options)
        try await io.withListening { address in
            let member = ["room_member", "http://localhost:\(try address.portText)", transport]
            try await PeerProcess.run(.oldPython, member) { old in
                try await PeerProcess.run(.python, member) { new in
                    for client in [old, new] { try await client.expect("joined") }
                    io.to("mixed").emit("said", "안녕 😀", ByteBuffer(bytes: [0, 1, 254, 255]))
                    for client in [old, new] { try await client.expect("said 안녕 😀 0001feff") }
                    try await old.write("from the old one 😀\n")
                    try await new.expect("said from the old one 😀")
                    try await new.write("from the new one 😀\n")
                    try await old.expect("said from the new one 😀")
                    for client in [old, new] {
                        try await client.finishInput()
                        try await client.expectEnd()
                    }
                }
            }
        }
    }

    @Test(
        "The client of Socket.IO 2 in a browser: text, bytes, acknowledgements, namespaces, by polling, WebSocket and upgrade",
        Peer.oldBrowser.requirement, arguments: ["polling", "websocket", "upgrade", "base64"])
    func browser(_ mode: String) async throws {
        var options = Self.options
        // The page comes from a file. The old client always sends cookies along, which a server must allow by name; of the page
        // that loads a program the browser says nothing.
        options.engine.cors = mode == "jsonp" ? .any : .origins(["null"], credentials: true)
        try await SocketIOApplication.server(options: options).withListening { address in
            let url = "http://localhost:\(try address.portText)"
            try await PeerProcess.run(.oldBrowser, ["browser", "old-client", url, mode]) { browser in
                let transport = ["websocket", "upgrade"].contains(mode) ? "websocket" : "polling"
                let observations = [
                    "connected by \(transport)", "echoed text", "echoed JSON", "echoed bytes",
                    "acknowledged by the server", "acknowledged by the client", "connected to a namespace", "refused",
                    "disconnected: io server disconnect", "disconnected: io client disconnect", "ok old-browser",
                ]
                for observation in observations { try await browser.expect(observation) }
                try await browser.expectEnd()
            }
        }
    }

    /// Runs the scenario against a server of its own; what it observes it checks itself.
    private func expect(_ scenario: String, by transport: String, _ io: SocketIOServer) async throws {
        try await io.withListening { address in
            let printed = try await PeerProcess.output(
                .oldPython,
                ["eio3_client", scenario, "http://localhost:\(try address.portText)", "--transport", transport])
            // Behind it the old client's library may complain of what it leaves open.
            #expect(printed.contains("ok \(scenario)"))
        }
    }
}
