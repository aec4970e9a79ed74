import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import TestSupport
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a socket knows of its client and its connection, and how it ends.
@Suite(.timeLimit(.minutes(5))) struct SocketStateTests {
    @Test("The handshake has the request's fields, query, address and path, the client's auth, and its time")
    func handshake() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let handshakes = Box<Handshake>()
        io.onConnection { socket in
            #expect(socket.request.uri == socket.handshake.url)
            handshakes.put(socket.handshake)
        }
        try await io.withListening { address in
            try await RawConnection.with(address) { connection in
                var headers = RawWebSocket.handshake
                headers.add(name: "X-Room", value: "7")
                headers.add(name: "origin", value: "http://\(RawConnection.host)")
                let target = "/socket.io/?EIO=4&transport=websocket&name=a%20b&name=c"
                try #require(try await connection.request("GET", target, headers: headers).status == 101)
                try await connection.send(RawWebSocket.frame(.text, ByteBuffer(string: #"40{"token":"t"}"#)))
                let handshake = try #require(await handshakes.take())
                #expect(handshake.auth == ["token": "t"])
                #expect(handshake.header("x-room") == "7")
                #expect(handshake.headers.contains { $0.name == "X-Room" && $0.value == "7" })
                #expect(handshake.query("name") == "c")
                #expect(handshake.query.map(\.name) == ["EIO", "transport", "name", "name"])
                #expect(handshake.query.map(\.value) == ["4", "websocket", "a b", "c"])
                #expect(handshake.url == target)
                #expect(handshake.address.hasPrefix("127.0.0.1:"))
                #expect(handshake.xdomain)
                #expect(!handshake.secure)
                #expect(handshake.time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
                #expect(handshake.issued.timeIntervalSince1970 > 1_700_000_000)
            }
        }
    }

    @Test("While it is disconnecting a socket is connected and in its rooms; when it is disconnected it is neither")
    func disconnecting() async throws {
        let log = Box<String>()
        try await serve { socket in
            socket.join(["a", "b"])
            socket.onDisconnecting { reason, rooms in
                let names = rooms.map { $0 == socket.id ? "own" : $0 }.sorted()
                log.put("disconnecting \(reason) \(names) \(socket.isConnected)")
                socket.disconnect()  // it is about to be
            }
            socket.onDisconnect { reason in log.put("disconnect \(reason) \(socket.isConnected)") }
            socket.onDisconnect { (reason: DisconnectReason) async in
                log.put("async \(reason) \(await socket.rooms)")
            }
            socket.off(socket.onDisconnect { _ in log.put("taken away") })
            socket.off(socket.onDisconnecting { _, _ in log.put("taken away") })
        } client: { client in
            try await client.send("41")
            let reason = "client namespace disconnect"
            #expect(await log.take() == #"disconnecting \#(reason) ["a", "b", "own"] true"#)
            #expect(await log.take() == "disconnect \(reason) false")
            #expect(await log.take() == "async \(reason) []")
        }
    }

    @Test("disconnecting comes at once, also while a handler is at work; disconnect behind the events that came before")
    func whileBusy() async throws {
        let log = Box<String>()
        let gate = Gate()
        try await serve { socket in
            socket.on("x") { (number: Int) async in
                await gate.wait()
                log.put("x \(number)")
            }
            socket.onDisconnecting { _, _ in
                log.put("disconnecting")
                gate.open()
            }
            socket.onDisconnect { _ in log.put("disconnect") }
        } client: { client in
            try await client.send(#"42["x",1]"#)
            try await client.send(#"42["x",2]"#)
            try await client.send("41")
            for expected in ["disconnecting", "x 1", "x 2", "disconnect"] { #expect(await log.take() == expected) }
        }
    }

    @Test("Each way to end has its reason: by client, server, connection, bad packet, shutdown")
    func reasons() async throws {
        let reasons = Box<String>()
        func reason(_ end: @escaping @Sendable (RawWebSocket) async throws -> Void) async throws -> String? {
            let io = SocketIOServer(host: "127.0.0.1")
            io.onConnection { socket in
                socket.on("kick") { () in socket.disconnect() }
                socket.on("close") { () in socket.disconnect(close: true) }
                socket.on("shut down") { () in io.close() }
                socket.onDisconnect { reasons.put($0.rawValue) }
            }
            return try await io.withListening { address in
                try await RawWebSocket.with(address) { client in
                    try await client.connect()
                    try await end(client)
                }
                return await reasons.take()
            }
        }
        #expect(try await reason { try await $0.send("41") } == "client namespace disconnect")
        #expect(try await reason { try await $0.send(#"42["kick"]"#) } == "server namespace disconnect")
        #expect(try await reason { try await $0.send(#"42["close"]"#) } == "server namespace disconnect")
        #expect(try await reason { try await $0.send(#"42["shut down"]"#) } == "server shutting down")
        #expect(try await reason { _ in } == "transport close")
        #expect(try await reason { try await $0.send("49") } == "parse error")
        #expect(try await reason { try await $0.send(#"42/other,["x"]"#) } == "forced server close")
    }

    @Test("leaveAll takes a socket out of all rooms but its own")
    func leaveAll() async throws {
        try await serve { socket in
            socket.join(["a", "b"])
            socket.leaveAll()
            socket.namespace.to("a").to("b").emit("not here")
            socket.namespace.to(socket.id).emit("own")
        } client: { client async throws in
            #expect(try await client.nextText() == #"42["own"]"#)
        }
    }

    @Test("conn is the session below: its transport, and hooks for its upgrade, packets and end")
    func connection() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let log = Box<String>()
        io.onConnection { socket in
            let conn = socket.conn
            log.put("\(conn.transport)")
            conn.onUpgrade { log.put("upgrade \($0) \(conn.transport)") }
            conn.onPacket { log.put("packet \($0.kind)") }
            conn.onMessage { if case .text(let text) = $0 { log.put("message \(String(buffer: text))") } }
            conn.onPacketCreate { packet in
                if case .text(let text) = packet.body { log.put("create \(packet.kind) \(String(buffer: text))") }
            }
            conn.onDrain { log.put("drain") }
            conn.onClose { log.put("close \($0)") }
            socket.on("x") { (number: Int) in number }
            socket.onDisconnect { log.put("disconnect \($0)") }
        }
        try await io.withListening { address in
            try await RawConnection.with(address) { polling in
                let sid = try await TestServer.connect(polling)
                #expect(await log.take() == "polling")
                #expect(await log.take() == "drain")  // the confirmation, which was made before
                let body = ByteBuffer(string: #"421["x",7]"#)
                #expect(try await polling.request("POST", TestServer.polling(sid), body: body).body == "ok")
                for expected in ["packet message", #"message 21["x",7]"#, "create message 31[7]"] {
                    #expect(await log.take() == expected)
                }
                #expect(try await polling.request("GET", TestServer.polling(sid)).body == "431[7]")
                #expect(await log.take() == "drain")
                try await RawWebSocket.with(address, "/socket.io/?EIO=4&transport=websocket&sid=\(sid)") { client in
                    try await client.send("2probe")
                    #expect(try await client.nextText() == "3probe")
                    try await client.send("5")
                    #expect(await log.take() == "upgrade websocket websocket")
                    try await client.send(#"422["x",8]"#)
                    #expect(try await client.nextText() == "432[8]")
                    let expected = ["packet message", #"message 22["x",8]"#, "create message 32[8]", "drain"]
                    for entry in expected { #expect(await log.take() == entry) }
                }
                let ends = [await log.take(), await log.take()]
                #expect(Set(ends) == ["close transport close", "disconnect transport close"])
            }
        }
    }
}
