import JunctionSocketIO
import NIOCore
import RawClients
import TestSupport
import Testing

/// Handlers of all events, of those that come and of those that leave.
@Suite(.timeLimit(.minutes(5))) struct CatchAllTests {
    @Test("Catch-all handlers come before the event's own, prepended ones first, also for events nobody else handles")
    func incoming() async throws {
        let log = Box<String>()
        try await serve { socket in
            socket.on("x") { (number: Int) in log.put("own \(number)") }
            socket.onAny { event in log.put("any \(event.name) \(try event.values())") }
            let first = socket.prependAny { event in log.put("first \(event.name)") }
            socket.on("drop first") { () in socket.offAny(first) }
            socket.on("drop all") { () in
                socket.offAny()
                log.put("dropped")
            }
        } client: { client in
            try await client.send(#"42["x",7]"#)
            for expected in ["first x", "any x [7]", "own 7"] { #expect(await log.take() == expected) }
            try await client.send(#"42["unknown"]"#)
            for expected in ["first unknown", "any unknown []"] { #expect(await log.take() == expected) }
            try await client.send(#"42["drop first"]"#)
            for expected in ["first drop first", "any drop first []"] { #expect(await log.take() == expected) }
            try await client.send(#"42["drop all"]"#)
            for expected in ["any drop all []", "dropped"] { #expect(await log.take() == expected) }
            try await client.send(#"42["x",8]"#)
            #expect(await log.take() == "own 8")
        }
    }

    @Test("An asynchronous catch-all handler comes before the event's own, and events stay in their order")
    func asynchronous() async throws {
        let log = Box<String>()
        let gate = Gate()
        try await serve { socket in
            socket.onAny { event async in
                if event.name == "x" { await gate.wait() }
                log.put("any \(event.name)")
            }
            socket.on("x") { () in log.put("x") }
            socket.on("y") { () async in log.put("y") }
        } client: { client in
            try await client.send(#"42["x"]"#)
            try await client.send(#"42["y"]"#)
            gate.open()
            for expected in ["any x", "x", "any y", "y"] { #expect(await log.take() == expected) }
        }
    }

    @Test("A catch-all handler may acknowledge, and what it throws does not keep the event from its handlers")
    func acknowledges() async throws {
        try await serve { socket in
            socket.onAny { event in
                event.acknowledge("any")
                throw Secret()
            }
            socket.on("x") { () in
                socket.emit("handled")
                return "own"
            }
        } client: { client in
            try await client.send(#"421["x"]"#)
            #expect(try await client.nextText() == #"431["any"]"#)
            #expect(try await client.nextText() == #"42["handled"]"#)
        }
    }

    @Test("Handlers of what leaves see each event, broadcasts among them, and no acknowledgement")
    func outgoing() async throws {
        let log = Box<String>()
        try await serve { socket in
            let second = socket.onAnyOutgoing { event in log.put("\(event.name) \(try event.values())") }
            socket.prependAnyOutgoing { event in log.put("first \(event.name)") }
            socket.onAnyOutgoing { _ in throw Secret() }
            socket.emit("plain", 1, "two")
            socket.namespace.emit("broadcast", true)
            socket.emit("bytes", ByteBuffer(bytes: [1, 2, 3]))
            socket.emit("asks", 7) { (answer: Result<Int, SocketIOError>) in log.put("answer \(answer)") }
            socket.on("x") { () in 5 }
            socket.on("drop one") { () in socket.offAnyOutgoing(second) }
            socket.on("drop") { () in
                socket.offAnyOutgoing()
                socket.emit("unseen")
                log.put("dropped")
            }
        } client: { client in
            #expect(try await client.nextText() == #"42["plain",1,"two"]"#)
            #expect(try await client.nextText() == #"42["broadcast",true]"#)
            #expect(try await client.nextText() == #"451-["bytes",{"_placeholder":true,"num":0}]"#)
            #expect(try await client.next() == .binary(ByteBuffer(bytes: [1, 2, 3])))
            #expect(try await client.nextText() == #"420["asks",7]"#)
            try await client.send("430[6]")
            try await client.send(#"421["x"]"#)
            #expect(try await client.nextText() == "431[5]")
            try await client.send(#"42["drop one"]"#)
            try await client.send(#"42["drop"]"#)
            #expect(try await client.nextText() == #"42["unseen"]"#)
            let expected = [
                "first plain", #"plain [1, "two"]"#, "first broadcast", "broadcast [true]", "first bytes",
                #"bytes [{"_placeholder":true,"num":0}]"#, "first asks", "asks [7]", "answer success(6)", "dropped",
            ]
            for entry in expected { #expect(await log.take() == entry) }
        }
    }
}
