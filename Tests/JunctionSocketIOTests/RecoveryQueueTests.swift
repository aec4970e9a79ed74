import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// What a server does whose recovery store takes time, or fails.
@Suite(.timeLimit(.minutes(5))) struct RecoveryQueueTests {
    @Test("No event is seen before it is committed, and nothing that is sent later overtakes it")
    func order() async throws {
        let store = GatedStore()
        try await RecoveryServer.run(ConnectionStateRecovery(store: store)) { server in
            var client = RecoveringClient()
            try await RawWebSocket.with(server.address) { socket in
                try await client.connect(socket)
                let mine = try #require(await server.connected.next())
                store.close()
                mine.emit("first")
                server.io.emit("second")
                mine.volatile.emit("third")
                server.io.except("nobody").volatile.emit("fourth")
                async let answer: Int = mine.emitWithAck("fifth")
                mine.join("late")
                server.io.to("late").emit("sixth")
                mine.disconnect()
                store.open()
                var seen: [RecoveringClient.Message] = []
                while seen.last != .other("disconnect ") {
                    let message = try await client.next(socket)
                    if message == .event(["fifth"]) { try await socket.send("430[5]") }
                    seen.append(message)
                }
                let events = seen.compactMap { message -> String? in
                    if case .event(let event) = message { event.first?.stringValue } else { nil }
                }
                #expect(events.filter { $0 != "fifth" } == ["first", "second", "third", "fourth", "sixth"])
                _ = try? await answer
            }
        }
    }

    @Test("An event that is committed while a client comes back, and not delivered yet, comes once")
    func committedMeanwhile() async throws {
        let store = GatedStore()
        try await RecoveryServer.run(ConnectionStateRecovery(store: store)) { server in
            var client = RecoveringClient()
            try await server.visit(&client) { client, socket, _, _ in
                server.io.emit("seen")
                try await client.expect(["seen"], socket)
            }
            store.beforeRestoring {
                store.close(behindCommit: true)
                server.io.emit("meanwhile")
                _ = await store.committed.next()
            }
            try await RawWebSocket.with(server.address) { socket in
                try await client.begin(socket)
                #expect(try await client.next(socket) == .connected(recovered: true))
                try await client.expect(["meanwhile"], socket)
                store.open()
                server.io.emit("after")
                try await client.expect(["after"], socket)
            }
        }
    }

    @Test("What a store fails to keep is delivered without an offset, counted, and who missed it gets a new socket")
    func failure() async throws {
        let store = GatedStore()
        try await RecoveryServer.run(ConnectionStateRecovery(store: store)) { server in
            var client = RecoveringClient()
            var away = RecoveringClient()
            try await server.visit(&away) { client, socket, _, _ in
                server.io.emit("kept")
                try await client.expect(["kept"], socket)
            }
            try await server.visit(&client) { client, socket, _, _ in
                store.fail(true)
                server.io.emit("lost", 1)
                try await client.expect(["lost", 1], socket)
                #expect(client.offset == nil)
                store.fail(false)
                server.io.emit("kept again")
                try await client.expect(["kept again"], socket)
                #expect(client.offset != nil)
            }
            try await server.visit(&away) { _, _, _, recovered in #expect(!recovered) }
            try await server.visit(&client) { _, _, missed, recovered in #expect(recovered && missed.isEmpty) }
            #expect(server.io.of("/").recoveryStatistics?.unsavedEvents == 1)
        }
    }

    @Test("A full queue to the store is delivered unsaved, in order, and counted")
    func overflow() async throws {
        let store = GatedStore()
        var recovery = ConnectionStateRecovery(store: store)
        recovery.maximumQueuedEvents = 8
        try await RecoveryServer.run(recovery) { server in
            var client = RecoveringClient()
            try await RawWebSocket.with(server.address) { socket in
                try await client.connect(socket)
                store.close()
                for number in 0..<30 { server.io.emit("event", number) }
                let unsaved = try #require(server.io.of("/").recoveryStatistics?.unsavedEvents)
                #expect(unsaved >= 16 && unsaved <= 30)
                store.open()
                for number in 0..<30 {
                    try await client.expect(["event", .number(.init(number))], socket)
                    if number < unsaved { #expect(client.offset == nil) }
                }
            }
        }
    }

    @Test("With the policy to drop, what does not fit into the queue is dropped and counted")
    func drop() async throws {
        let store = GatedStore()
        var recovery = ConnectionStateRecovery(store: store)
        recovery.maximumQueuedBytes = 200
        recovery.queueOverflow = .dropNewest
        try await RecoveryServer.run(recovery) { server in
            var client = RecoveringClient()
            try await RawWebSocket.with(server.address) { socket in
                try await client.connect(socket)
                store.close()
                for number in 0..<50 { server.io.emit("event", number) }
                let dropped = try #require(server.io.of("/").recoveryStatistics?.droppedEvents)
                #expect(dropped >= 30 && dropped < 50)
                store.open()
                for number in 0..<50 - dropped {
                    try await client.expect(["event", .number(.init(number))], socket)
                }
                server.io.emit("after")
                try await client.expect(["after"], socket)
            }
        }
    }
}
