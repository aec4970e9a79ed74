import Foundation
import JunctionSocketIO
import JunctionTCP
import JunctionTesting
import NIOCore
import RawClients
import Testing

/// Rooms whose members are on several event loops.
@Suite(.timeLimit(.minutes(5)), .enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1))
struct RoomLoopTests {
    @Test("A broadcast reaches the members of a room on every event loop, each once, and its sender nowhere")
    func everyLoop() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let threads = Log<UInt>()
        io.use { (_: Socket) async in
            // Clients and connections take the loops in turn, so that all connections would be on every other one. A client
            // that is refused takes one alone.
            if threads.all.count == 8 { _ = try? await TCPClient.connect(host: "127.0.0.1", port: 1) }
        }
        io.onConnection { socket in
            threads.add(currentThread())
            socket.join("all")
            socket.on("shout") { () in socket.to("all").emit("x") }
        }
        try await Clients.run(16, of: io) { clients in
            #expect(Set(threads.all).count > 1, "the clients are on one loop")
            for sender in [0, 1, 15] {
                try await clients.sockets[sender].send(#"42["shout"]"#)
                _ = try await clients.sockets[sender].receivedText()
                for (number, socket) in clients.sockets.enumerated() where number != sender {
                    #expect(try await socket.nextText() == #"42["x"]"#)
                }
            }
            io.to("all").emit("y")
            io.to("all").emit("z")
            for socket in clients.sockets {
                #expect(try await socket.nextText() == #"42["y"]"#)
                #expect(try await socket.nextText() == #"42["z"]"#)
                #expect(try await socket.receivedText() == [])
            }
        }
    }

    @Test(
        "Rooms hold what a simple model says, whatever joins, leaves and disconnects", arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        try await Clients.run(12, of: io) { clients in
            var generator = SeededGenerator(seed: seed)
            let names = ["a", "b", "c", "d"]
            var model = Dictionary(uniqueKeysWithValues: clients.ids.map { ($0, Set([$0])) })
            for step in 0..<200 {
                let ids = model.keys.sorted()
                let chosen = Set(ids.filter { _ in Bool.random(using: &generator) })
                let rooms = Set(names.filter { _ in Bool.random(using: &generator) })
                guard !chosen.isEmpty else { continue }
                switch Int.random(in: 0..<20, using: &generator) {
                case 0 where model.count > 4:
                    let gone = ids.randomElement(using: &generator) ?? ""
                    io.in(gone).disconnectSockets()
                    model[gone] = nil
                case 1..<12:
                    io.in(chosen).socketsJoin(rooms)
                    for id in chosen { model[id]?.formUnion(rooms) }
                default:
                    io.in(chosen).socketsLeave(rooms)
                    for id in chosen { model[id]?.subtract(rooms) }
                }
                var expected: [String: Set<String>] = [:]
                for (id, rooms) in model { for room in rooms { expected[room, default: []].insert(id) } }
                try #require(await io.rooms == expected, "step \(step)")
                let except = names.filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }
                let found = try await io.to(rooms).except(except).fetchSockets()
                let meant = model.filter {
                    (rooms.isEmpty || !rooms.isDisjoint(with: $0.value)) && $0.value.isDisjoint(with: except)
                }
                try #require(found.map(\.id).sorted() == meant.keys.sorted(), "step \(step)")
                for socket in found { try #require(socket.rooms == model[socket.id]) }
            }
        }
    }

    @Test("Events of rooms come one after another from all loops: create, join, leave, delete")
    func roomEvents() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let events = Log<RoomEvent>()
        try await Clients.run(4, of: io) { clients in
            io.onRoomEvent { events.add($0) }
            _ = await io.rooms  // every loop has begun to tell
            let ids = clients.ids
            io.socketsJoin("r")
            _ = await io.rooms
            io.socketsLeave("r")
            _ = await io.rooms
            let seen = events.all
            #expect(seen.count == 10)
            #expect(seen.first == .create(room: "r"))
            #expect(Set(seen[1...4]) == Set(ids.map { .join(room: "r", id: $0) }))
            #expect(Set(seen[5...8]) == Set(ids.map { .leave(room: "r", id: $0) }))
            #expect(seen.last == .delete(room: "r"))

            io.in(ids[0]).socketsJoin("s")
            io.in(ids[0]).disconnectSockets()
            _ = await io.rooms
            let rest = Array(events.all.dropFirst(10))
            #expect(rest.prefix(2) == [.create(room: "s"), .join(room: "s", id: ids[0])])
            #expect(
                Array(rest.dropFirst(2)) == [
                    .leave(room: "s", id: ids[0]), .delete(room: "s"), .leave(room: ids[0], id: ids[0]),
                    .delete(room: ids[0]),
                ])
        }
    }

    @Test("A listener for events of rooms may join rooms itself")
    func roomEventsNested() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let events = Log<RoomEvent>()
        try await Clients.run(1, of: io) { clients in
            let id = clients.ids[0]
            io.onRoomEvent { event in
                events.add(event)
                if event == .join(room: "first", id: id) { io.in(id).socketsJoin("second") }
            }
            io.in(id).socketsJoin("first")
            _ = await io.rooms
            _ = await io.rooms
            #expect(
                events.all == [
                    .create(room: "first"), .join(room: "first", id: id), .create(room: "second"),
                    .join(room: "second", id: id),
                ])
        }
    }
}
