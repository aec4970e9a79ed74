import JunctionSocketIO
import NIOCore
import Testing

/// permessage-deflate with clients of others.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CompressionInteropTests {
    private static func echoServer(_ options: WebSocketCompression) -> WebSocketServer {
        WebSocketServer(
            host: "127.0.0.1", port: 0, perMessageDeflate: options, allowsOrigin: { _, _ in true },
            onMessage: { message, connection in connection.send(message) })
    }

    /// Compresses all there is.
    private static var everything: WebSocketCompression {
        var options = WebSocketCompression()
        options.threshold = 0
        return options
    }

    @Test(
        "aiohttp exchanges compressed messages with and without context takeover, whatever the window",
        Peer.python.requirement, arguments: [9, 12, 15], [false, true])
    func aiohttp(window: Int, noTakeover: Bool) async throws {
        var options = Self.everything
        options.serverNoContextTakeover = noTakeover
        options.clientNoContextTakeover = noTakeover
        try await Self.echoServer(options).withListening { address in
            let printed = try await PeerProcess.output(
                .python, ["deflate", "ws://127.0.0.1:\(try address.portText)/", "--window", "\(window)"])
            let takeover = noTakeover ? "; server_no_context_takeover; client_no_context_takeover" : ""
            let bits = window < 15 ? "; server_max_window_bits=\(window)" : ""
            #expect(printed == ["agreed permessage-deflate\(takeover)\(bits)", "ok"])
        }
    }

    @Test("Chromium agrees to compression, with a plain WebSocket server and with Socket.IO", Peer.browser.requirement)
    func browser() async throws {
        var options = SocketIOOptions()
        options.engine.cors = .any
        options.engine.perMessageDeflate = Self.everything
        let io = SocketIOApplication.server(options: options)
        try await Self.echoServer(Self.everything).withListening { plain in
            let echo = "ws://127.0.0.1:\(try plain.portText)/"
            try await io.withListening { address in
                let session = "ws://127.0.0.1:\(try address.portText)/socket.io/?EIO=4&transport=websocket"
                let byEcho = try await PeerProcess.output(.browser, ["browser", "client", echo, "deflate.html"])
                #expect(byEcho == ["agreed permessage-deflate", "echoed", "ok deflate"])
                let bySession = try await PeerProcess.output(.browser, ["browser", "client", session, "deflate.html"])
                #expect(bySession == ["agreed permessage-deflate", "received 0", "ok deflate"])
            }
        }
    }

    @Test(
        "The stock client in a browser exchanges text, bytes and acknowledgements, all of them compressed",
        Peer.browser.requirement, arguments: [false, true])
    func stockClient(noTakeover: Bool) async throws {
        var options = SocketIOOptions()
        options.engine.cors = .any  // the page comes from a file
        var compression = Self.everything
        compression.serverNoContextTakeover = noTakeover
        options.engine.perMessageDeflate = compression
        try await SocketIOApplication.server(options: options).withListening { address in
            let url = "http://localhost:\(try address.portText)"
            let printed = try await PeerProcess.output(.browser, ["browser", "client", url])
            #expect(printed.contains("echoed bytes"))
            #expect(printed.last == "ok browser")
        }
    }
}
