import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// What a server can ask of its sockets and do to many of them.
@Suite(.timeLimit(.minutes(5))) struct RemoteSocketTests {
    private func run(
        _ count: Int, _ body: @escaping @Sendable (SocketIOServer, Clients) async throws -> Void
    ) async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        try await Clients.run(count, of: io) { try await body(io, $0) }
    }

    @Test("fetchSockets tells of each socket chosen its identifier, rooms, data and handshake")
    func fetch() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { socket in
            socket.data["name"] = "named " + socket.id
            socket.join(["r", "all"])
        }
        try await Clients.run(3, of: io) { clients in
            let all = try await io.fetchSockets()
            #expect(Set(all.map(\.id)) == Set(clients.ids))
            for socket in all {
                #expect(socket.rooms == ["r", "all", socket.id])
                #expect(socket.data["name"] as? String == "named " + socket.id)
                #expect(socket.handshake.query("EIO") == "4")
            }
            let one = try await io.in(clients.ids[1]).fetchSockets()
            #expect(one.map(\.id) == [clients.ids[1]])
            #expect(try await io.to("r").except(clients.ids).fetchSockets().isEmpty)
            #expect(Set(await io.sockets.sockets.keys) == Set(clients.ids))
        }
    }

    @Test("A fetched socket can be sent to, asked, put into rooms, taken out and disconnected")
    func use() async throws {
        try await run(2) { io, clients in
            let remote = try #require(try await io.in(clients.ids[0]).fetchSockets().first)
            remote.emit("x", 1)
            try await clients.expect([0: [#"42["x",1]"#]])
            remote.join(["a", "b"])
            remote.leave("b")
            io.to("a").emit("a")
            io.to("b").emit("b")
            try await clients.expect([0: [#"42["a"]"#]])

            async let answer: String = remote.timeout(.seconds(50)).emitWithAck("question")
            let text = try await clients.sockets[0].nextText()
            let number = try #require(text.wholeMatch(of: /42(\d+)\["question"\]/)?.1)
            try await clients.sockets[0].send(#"43\#(number)["answer"]"#)
            #expect(try await answer == "answer")

            remote.disconnect()
            #expect(try await clients.sockets[0].nextText() == "41")
            let error = await #expect(throws: BroadcastError.self) {
                let _: String = try await remote.emitWithAck("question")
            }
            #expect(error?.code == .disconnected)
        }
    }

    @Test("socketsJoin and socketsLeave change the rooms of those chosen and of nobody else")
    func joinAndLeave() async throws {
        try await run(3) { io, clients in
            io.in([clients.ids[0], clients.ids[1]]).socketsJoin(["a", "b"])
            io.to("a").emit("x")
            try await clients.expect([0: [#"42["x"]"#], 1: [#"42["x"]"#]])
            io.in("a").except(clients.ids[0]).socketsLeave("a")
            io.to("a").emit("y")
            try await clients.expect([0: [#"42["y"]"#]])
            io.socketsLeave(["a", "b"])
            io.to(["a", "b"]).emit("z")
            try await clients.expect([:])
        }
    }

    @Test("disconnectSockets ends those chosen in the namespace; with close, the connections under them, too")
    func disconnect() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let reasons = Mailbox<String>()
        io.onConnection { socket in
            socket.join("r")
            socket.onDisconnect { reasons.put($0.rawValue) }
        }
        try await Clients.run(3, of: io) { clients in
            io.in(clients.ids[0]).disconnectSockets()
            #expect(try await clients.sockets[0].nextText() == "41")
            #expect(try await reasons.take() == "server namespace disconnect")
            // The connection is still there.
            let again = try await clients.sockets[0].join("/")
            io.to("r").except(again).disconnectSockets(close: true)
            for socket in clients.sockets.dropFirst() {
                #expect(try await socket.nextText() == "41")
                #expect(try await socket.closeCode() == .normal)
            }
            io.emit("still here")
            #expect(try await clients.sockets[0].nextText() == #"42["still here"]"#)
        }
    }

    @Test("On a single server a server-side event has no other to go to, and gets no answers")
    func serverSide() async throws {
        try await run(1) { io, clients in
            let seen = Log<Int>()
            io.onServerSideEvent("ping") { (number: Int) async in seen.add(number) }
            io.serverSideEmit("ping", 1)
            io.serverSideEmit("connection", 1)
            let answers: [Int] = try await io.serverSideEmitWithAck("ping", 2)
            #expect(answers == [])
            #expect(seen.all == [])
            await #expect(throws: EncodingError.self) {
                let _: [Int] = try await io.serverSideEmitWithAck("connection", 2)
            }
            try await clients.expect([:])
        }
    }
}
