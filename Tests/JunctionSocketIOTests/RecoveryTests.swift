import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// Connection state recovery, over real connections, with a store in memory and with one that takes time.
@Suite(.timeLimit(.minutes(1))) struct RecoveryTests {
    enum Store: CaseIterable, Sendable {
        case memory
        case slow

        func recovery() -> ConnectionStateRecovery {
            switch self {
            case .memory: ConnectionStateRecovery()
            case .slow: ConnectionStateRecovery(store: GatedStore())
            }
        }
    }

    @Test(
        "A client that comes back gets its identifier, rooms and data, and first of all what it missed, in order",
        arguments: Store.allCases)
    func comesBack(_ store: Store) async throws {
        try await RecoveryServer.run(store.recovery()) { server in
            var client = RecoveringClient()
            let sid = try await server.visit(&client) { client, socket, missed, recovered in
                #expect(missed.isEmpty && !recovered)
                let mine = try #require(await server.connected.next())
                #expect(!mine.recovered)
                mine.join(["a", "b"])
                mine.leave("b")
                mine.data["name"] = "Kim"
                server.io.emit("first", 1)
                try await client.expect(["first", 1], socket)
                return client.sid
            }
            server.io.emit("second", 2)
            server.io.to("a").emit("third", ByteBuffer(bytes: [3]), ["x": ByteBuffer(bytes: [4])])
            server.io.to("b").emit("not for it")
            server.io.except("a").emit("not for it")
            server.io.except("nobody").volatile.emit("not kept")
            server.io.to(try #require(sid)).emit("fourth")
            try await server.visit(&client) { client, socket, missed, recovered in
                let third: [SocketIOValue] = [
                    "third", .binary(ByteBuffer(bytes: [3])), ["x": .binary(ByteBuffer(bytes: [4]))],
                ]
                #expect(missed == [["second", 2], third, ["fourth"]])
                #expect(recovered)
                #expect(client.sid == sid)
                let mine = try #require(await server.connected.next())
                #expect(mine.recovered && mine.id == sid)
                #expect(await mine.rooms == ["a", mine.id])
                #expect(mine.data["name"] as? String == "Kim")
                server.io.to("a").emit("fifth")
                try await client.expect(["fifth"], socket)
            }
            #expect(server.io.of("/").recoveryStatistics?.recovered == 1)
            #expect(server.io.of("/").recoveryStatistics?.notRecovered == 0)
        }
    }

    @Test("Without recovery there is no private identifier, no offset, and a new socket")
    func off() async throws {
        try await RecoveryServer.run(nil) { server in
            var client = RecoveringClient()
            client.pid = "something"
            let sid = try await server.visit(&client) { client, socket, _, recovered in
                #expect(!recovered && client.pid == nil)
                server.io.emit("event", 1)
                try await client.expect(["event", 1], socket)
                #expect(client.offset == nil)
                return client.sid
            }
            try await server.visit(&client) { client, _, _, recovered in #expect(!recovered && client.sid != sid) }
            #expect(server.io.of("/").recoveryStatistics == nil)
        }
    }

    @Test("Events that want an acknowledgement, and volatile ones, have no offset and are not sent again")
    func notKept() async throws {
        try await RecoveryServer.run { server in
            var client = RecoveringClient()
            try await server.visit(&client) { client, socket, _, _ in
                let mine = try #require(await server.connected.next())
                mine.emit("kept")
                try await client.expect(["kept"], socket)
                let offset = client.offset
                mine.volatile.emit("volatile", 1)
                try await client.expect(["volatile", 1], socket)
                async let answer: Int = mine.emitWithAck("question", 2)
                try await client.expect(["question", 2], socket)
                try await socket.send("430[7]")
                #expect(try await answer == 7)
                #expect(client.offset == offset)
            }
            try await server.visit(&client) { _, _, missed, recovered in #expect(missed.isEmpty && recovered) }
        }
    }

    @Test("A client that has said goodbye, or was sent away, or broke the rules, does not come back to its state")
    func goodbye() async throws {
        try await RecoveryServer.run { server in
            for (goodbye, reason) in [
                ("41", "client namespace disconnect"), ("kick", "server namespace disconnect"), ("4z", "parse error"),
            ] {
                var client = RecoveringClient()
                var visitor = client
                try await RawWebSocket.with(server.address) { socket in
                    try await visitor.connect(socket)
                    let mine = try #require(await server.connected.next())
                    if goodbye == "kick" { mine.disconnect() } else { try await socket.send(goodbye) }
                    #expect(await server.reasons.next() == reason)
                }
                client = visitor
                let sid = client.sid
                try await server.visit(&client) { client, _, _, recovered in
                    #expect(!recovered && client.sid != sid, "\(reason)")
                }
                _ = await server.connected.next()
            }
            #expect(server.io.of("/").recoveryStatistics?.notRecovered == 3)
        }
    }

    @Test("A client that was never sent an event comes back, too", arguments: Store.allCases)
    func withoutOffset(_ store: Store) async throws {
        try await RecoveryServer.run(store.recovery()) { server in
            server.io.emit("before its time")
            var client = RecoveringClient()
            try await server.visit(&client) { _, _, _, _ in }
            #expect(client.offset == nil)
            server.io.emit("missed", 1)
            try await server.visit(&client) { _, _, missed, recovered in
                #expect(recovered)
                #expect(missed == [["missed", 1]])
            }
        }
    }

    @Test(
        "A client comes back again and again, also before the server notices that its old connection is dead",
        arguments: Store.allCases)
    func takesOver(_ store: Store) async throws {
        try await RecoveryServer.run(store.recovery()) { server in
            var client = RecoveringClient()
            try await RawWebSocket.with(server.address) { first in
                try await client.connect(first)
                let sid = client.sid
                server.io.emit("event", 0)
                try await client.expect(["event", 0], first)
                for number in 1...3 {
                    // Sent to the old connection, on which the client has gone deaf.
                    server.io.emit("event", number)
                    let pid = client.pid
                    try await RawWebSocket.with(server.address) { second in
                        let (missed, recovered) = try await client.connect(second)
                        #expect(recovered && client.sid == sid && client.pid == pid)
                        #expect(missed == [["event", .number(.init(number))]])
                        if number == 1 { #expect(await server.reasons.next() == "transport close") }
                        server.io.emit("live", number)
                        try await client.expect(["live", .number(.init(number))], second)
                    }
                    if number > 1 { _ = await server.reasons.next() }
                }
            }
        }
    }

    @Test("A client may be away for maxDisconnectionDuration, and not a millisecond longer", arguments: Store.allCases)
    func tooLate(_ store: Store) async throws {
        try await RecoveryServer.run(store.recovery()) { server in
            var client = RecoveringClient()
            try await server.visit(&client) { _, _, _, _ in }
            server.clock.advance(120_000)
            try await server.visit(&client) { _, _, _, recovered in #expect(recovered) }
            server.clock.advance(120_001)
            try await server.visit(&client) { _, _, _, recovered in #expect(!recovered) }
        }
    }

    @Test("Beyond the limits the oldest go, and who needs them gets a new socket and is counted")
    func limits() async throws {
        var recovery = ConnectionStateRecovery()
        recovery.maximumEvents = 10
        recovery.maximumSessions = 2
        try await RecoveryServer.run(recovery) { server in
            var clients = [RecoveringClient(), RecoveringClient(), RecoveringClient()]
            for index in clients.indices { try await server.visit(&clients[index]) { _, _, _, _ in } }
            try await server.visit(&clients[0]) { _, _, _, recovered in #expect(!recovered) }
            // Now the second has gone in favour of the new first.
            for number in 0..<10 { server.io.emit("event", number) }
            try await server.visit(&clients[2]) { _, _, missed, recovered in
                #expect(recovered && missed.count == 10)
            }
            server.io.emit("one too many")
            try await server.visit(&clients[0]) { _, _, missed, recovered in #expect(!recovered && missed.isEmpty) }
            #expect(server.io.of("/").recoveryStatistics?.notRecovered == 2)
            #expect(server.io.of("/").recoveryStatistics?.recovered == 1)
        }
    }

    @Test("A quiet client comes back although the others' events have pushed its last one out")
    func quiet() async throws {
        var recovery = ConnectionStateRecovery()
        recovery.maximumEvents = 10
        try await RecoveryServer.run(recovery) { server in
            var client = RecoveringClient()
            for _ in 0..<3 {
                try await server.visit(&client) { client, socket, missed, recovered in
                    #expect(missed.isEmpty && recovered == (client.offset != nil))
                    server.io.to(try #require(client.sid)).emit("yours")
                    try await client.expect(["yours"], socket)
                    for _ in 0..<100 { server.io.to("others").emit("theirs") }
                    // Of what is still on its way when the client leaves nobody knows that it was not for it.
                    #expect(try await client.sync(socket).isEmpty)
                }
            }
        }
    }

    @Test("Middleware is skipped for clients that are recovered, unless it is to run; then it may refuse them")
    func middleware() async throws {
        for skips in [true, false] {
            var recovery = ConnectionStateRecovery()
            recovery.skipMiddlewares = skips
            let seen = Events<Bool>()
            try await RecoveryServer.run(
                recovery,
                prepare: { io in
                    io.use { socket in
                        seen.add(socket.recovered)
                        if socket.handshake.auth["pid"] != nil, socket.recovered { throw ConnectError("not again") }
                    }
                }
            ) { server in
                var client = RecoveringClient()
                try await server.visit(&client) { _, _, _, _ in }
                #expect(await seen.next() == false)
                if skips { return try await server.visit(&client) { _, _, _, recovered in #expect(recovered) } }
                try await RawWebSocket.with(server.address) { socket in
                    try await client.begin(socket)
                    #expect(try await client.next(socket) == .other(#"connectError {"message":"not again"}"#))
                }
                #expect(await seen.next() == true)
            }
        }
    }

    @Test("Offsets of other makers, of other types, and of the future get a new socket", arguments: Store.allCases)
    func foreignOffsets(_ store: Store) async throws {
        try await RecoveryServer.run(store.recovery()) { server in
            var client = RecoveringClient()
            try await server.visit(&client) { client, socket, _, _ in
                server.io.emit("event")
                _ = try await client.nextEvent(socket)
            }
            let offset = try #require(client.offset)
            let tag = try #require(offset.split(separator: ".").first)
            for wrong in [
                "", "x", "1", "\(tag).", "\(tag).+1", "\(tag).01", "\(tag).9", "\(tag).zzzzzzzzzzzzzzzz", "other.1",
            ] {
                var impostor = client
                impostor.offset = wrong
                try await server.visit(&impostor) { _, _, _, recovered in #expect(!recovered, "\(wrong)") }
            }
            try await server.visit(&client) { _, _, _, recovered in #expect(recovered) }
        }
    }

    @Test(
        "Of a stream that goes on while clients leave and come back, each gets every event once, in order",
        arguments: Store.allCases)
    func stream(_ store: Store) async throws {
        try await RecoveryServer.run(store.recovery()) { server in
            // An event for each that a client waits for, and some while clients are on their way back.
            let (demand, demanded) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let visits = 25
                for index in 0..<4 {
                    group.addTask {
                        var client = RecoveringClient()
                        var last: Int?
                        for visit in 0..<visits {
                            try await RawWebSocket.with(server.address) { socket in
                                for _ in 0..<3 { demanded.yield() }
                                let (missed, recovered) = try await client.connect(socket)
                                #expect(recovered == (visit > 0))
                                var events = missed
                                // Leaves after a few events, at another place each time.
                                for _ in 0..<(visit * 7 + index) % 13 {
                                    demanded.yield()
                                    events.append(try await client.nextEvent(socket))
                                }
                                for event in events {
                                    let number = try #require(event.last?.intValue)
                                    if let last { #expect(number == last + 1) }
                                    last = number
                                }
                            }
                        }
                    }
                }
                group.addTask {
                    var number = 0
                    for await _ in demand {
                        number += 1
                        server.io.emit("number", number)
                    }
                }
                for _ in 0..<4 { try await group.next() }
                demanded.finish()
            }
        }
    }
}
