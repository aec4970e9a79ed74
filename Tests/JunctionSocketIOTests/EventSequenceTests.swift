import JunctionSocketIO
import NIOCore
import RawClients
import TestSupport
import Testing

/// Events taken out of a sequence.
@Suite(.timeLimit(.minutes(1))) struct EventSequenceTests {
    @Test(
        "A connection handler takes the events in order, and the sequence ends behind the last when the client leaves")
    func sequence() async throws {
        let log = Box<String>()
        let reasons = Box<String>()
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { (socket: Socket) async in
            socket.onDisconnect { reasons.put("\($0)") }
            for await (x, y) in socket.events("move", as: Int.self, String.self) { log.put("\(x) \(y)") }
            log.put("end")
        }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { client in
                try await client.connect()
                for number in 0..<50 { try await client.send(#"42["move",\#(number),"y"]"#) }
                try await client.send("41")
                for number in 0..<50 { #expect(await log.take() == "\(number) y") }
                #expect(await log.take() == "end")
                #expect(await reasons.take() == "client namespace disconnect")
            }
        }
    }

    @Test("An event counts as handled when it is taken: its acknowledgement, the next event, at last the client wait")
    func backPressure() async throws {
        var options = SocketIOOptions()
        options.maximumQueuedEvents = 4
        let log = Box<String>()
        let gate = Gate()
        try await serve(options: options) { socket in
            let events = socket.events("x", as: Int.self)
            socket.on("other") { () in log.put("other") }
            Task {
                await gate.wait()
                for await number in events { log.put("\(number)") }
            }
        } client: { client in
            // Far more than wait for handlers: those behind them wait in the socket buffers.
            for number in 0..<200 { try await client.send(#"42\#(number)["x",\#(number)]"#) }
            try await client.send(#"42["other"]"#)
            log.put("open")
            gate.open()
            #expect(await log.take() == "open")
            for number in 0..<200 {
                #expect(try await client.nextText() == "43\(number)[]")
                if number < 199 { #expect(await log.take() == "\(number)") }
            }
            // Once the last of them is taken both go on.
            let last = [await log.take(), await log.take()]
            #expect(Set(last) == ["199", "other"])
        }
    }

    @Test("A sequence of raw events leaves the acknowledgement to its taker, and lets go when its holder does")
    func rawEvents() async throws {
        try await serve { socket in
            let events = socket.events("x")
            Task {
                for await event in events {
                    event.acknowledge("first")
                    break
                }
                socket.emit("left")
            }
        } client: { client in
            try await client.send(#"421["x"]"#)
            #expect(try await client.nextText() == #"431["first"]"#)
            #expect(try await client.nextText() == #"42["left"]"#)
            // Nobody handles it, and nobody holds up what follows.
            try await client.send(#"422["x"]"#)
            try await client.send(#"423["x"]"#)
            try await client.send("41")
            try await client.send("40")
            #expect(try await client.nextText().hasPrefix("40"))
        }
    }

    @Test("Waiting for an event ends with its task, and on a socket that is over at once")
    func ends() async throws {
        let log = Box<String>()
        try await serve { socket in
            let waiting = Task {
                for await _ in socket.events("never") {}
                log.put("cancelled")
            }
            socket.on("cancel") { () in waiting.cancel() }
            socket.onDisconnect { (_: DisconnectReason) in
                Task {
                    for await _ in socket.events("never") {}
                    log.put("over")
                }
            }
        } client: { client in
            try await client.send(#"42["cancel"]"#)
            #expect(await log.take() == "cancelled")
            try await client.send("41")
            #expect(await log.take() == "over")
        }
    }

    @Test("Arguments of another type go to the error hook, and the sequence goes on")
    func invalidArguments() async throws {
        let log = Box<String>()
        try await serve { socket in
            let events = socket.events("x", as: Int.self)
            Task { for await number in events { log.put("\(number)") } }
            socket.on("ready") { () in socket.emit("ready") }
        } client: { client in
            try await client.send(#"42["ready"]"#)
            #expect(try await client.nextText() == #"42["ready"]"#)
            try await client.send(#"421["x","one"]"#)
            try await client.send(#"422["x",2]"#)
            #expect(try await client.nextText().contains("invalid_arguments"))
            #expect(try await client.nextText() == "432[]")
            #expect(await log.take() == "2")
        }
    }
}
