import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// One connection that asks for more and more namespaces.
@Suite(.timeLimit(.minutes(5))) struct NamespaceLimitTests {
    @Test("A client in as many namespaces as allowed is served; one more ends its connection")
    func limit() async throws {
        var options = SocketIOOptions()
        options.maximumNamespacesPerConnection = 3
        try await TestServer.run(options: options, namespaces: ["/a", "/b", "/c"]) { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                try await socket.join("/a")
                try await socket.join("/b")
                try await socket.expectEcho("/b")
                try await socket.send("41/a,")
                try await socket.join("/c")  // what was left makes room
                try await socket.send("40/a,")
                #expect(try await socket.closeCode() == .normal)
                #expect(await server.nextReason() == "forced server close")
            }
        }
    }

    @Test("Ten thousand requests for namespaces end at the limit")
    func flood() async throws {
        let names = (0..<10_000).map { "/n\($0)" }
        try await TestServer.run(namespaces: names) { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                var frames = ByteBuffer()
                for name in names {
                    frames.writeImmutableBuffer(RawWebSocket.frame(.text, ByteBuffer(string: "40\(name),")))
                }
                try await socket.send(raw: frames)
                for name in names.prefix(SocketIOOptions().maximumNamespacesPerConnection - 1) {
                    #expect(try await socket.nextText().hasPrefix("40\(name),"))
                }
                #expect(try await socket.closeCode() == .normal)
                #expect(await server.nextReason() == "forced server close")
            }
        }
    }

    @Test("Ten thousand requests for namespaces that do not exist are refused one by one and leave nothing behind")
    func unknownNamespaces() async throws {
        try await TestServer.run { server in
            try await RawWebSocket.with(server.address) { socket in
                try await socket.connect()
                var frames = ByteBuffer()
                for number in 0..<10_000 {
                    frames.writeImmutableBuffer(RawWebSocket.frame(.text, ByteBuffer(string: "40/x\(number),")))
                }
                try await socket.send(raw: frames)
                for number in 0..<10_000 {
                    let refusal = #"44/x\#(number),{"message":"Invalid namespace"}"#
                    #expect(try await socket.nextText() == refusal)
                }
                try await socket.expectEcho()
            }
        }
    }
}
