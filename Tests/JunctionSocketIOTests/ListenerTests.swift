import JunctionSocketIO
import RawClients
import TestSupport
import Testing

/// Handlers of events: added, called, taken away.
@Suite(.timeLimit(.minutes(5))) struct ListenerTests {
    @Test("The handlers of an event are called in the order in which they were added; the first acknowledgement counts")
    func order() async throws {
        let log = Box<String>()
        try await serve { socket in
            socket.on("x") { (number: Int) in log.put("first \(number)") }
            socket.on("x") { (number: Int) in
                log.put("second \(number)")
                return number
            }
            socket.on("x") { (event: IncomingEvent) in log.put("third \(event.name)") }
        } client: { client in
            try await client.send(#"421["x",7]"#)
            #expect(try await client.nextText() == "431[]")
            #expect(await log.take() == "first 7")
            #expect(await log.take() == "second 7")
            #expect(await log.take() == "third x")
        }
    }

    @Test("A handler added with once is called for one event, with and without async")
    func once() async throws {
        try await serve { socket in
            socket.once("a") { (number: Int) in number * 10 }
            socket.once("b") { (number: Int) async in number * 100 }
            socket.on("a") { (_: Int) in "others stay" }
            socket.on("b") { (event: IncomingEvent) in event.acknowledge("others stay") }
        } client: { client in
            try await client.send(#"421["a",1]"#)
            #expect(try await client.nextText() == "431[10]")
            try await client.send(#"422["a",2]"#)
            #expect(try await client.nextText() == #"432["others stay"]"#)
            try await client.send(#"423["b",3]"#)
            #expect(try await client.nextText() == "433[300]")
            try await client.send(#"424["b",4]"#)
            #expect(try await client.nextText() == #"434["others stay"]"#)
        }
    }

    @Test("off takes one handler away, all of an event, or all; an event under way still reaches the one taken away")
    func off() async throws {
        try await serve { socket in
            let second = Box<EventListener>()
            let first = socket.on("x") { (event: IncomingEvent) async in
                // The second one was to be called, too, and still is.
                if let listener = await second.take() { socket.off(listener) }
            }
            second.put(socket.on("x") { () in socket.emit("second") })
            socket.on("drop first") { () in socket.off(first) }
            socket.on("x") { () in socket.emit("third") }
            socket.on("drop x") { () in socket.off("x") }
            socket.on("drop all") { () in socket.off() }
            socket.onAny { event in if event.name == "barrier" { event.acknowledge() } }
        } client: { client in
            try await client.send(#"42["x"]"#)
            #expect(try await client.nextText() == #"42["second"]"#)
            #expect(try await client.nextText() == #"42["third"]"#)
            try await client.send(#"42["drop first"]"#)
            try await client.send(#"42["x"]"#)
            #expect(try await client.nextText() == #"42["third"]"#)
            try await client.send(#"421["drop x"]"#)
            #expect(try await client.nextText() == "431[]")
            try await client.send(#"42["x"]"#)
            try await client.send(#"422["drop all"]"#)
            #expect(try await client.nextText() == "432[]")
            try await client.send(#"423["drop all"]"#)  // nobody answers
            try await client.send(#"424["barrier"]"#)
            #expect(try await client.nextText() == "434[]")
        }
    }

    @Test("The values of a returned tuple are the acknowledgement, with and without async")
    func tuples() async throws {
        try await serve { socket in
            socket.on("divide") { (a: Int, b: Int) in (a / b, a % b) }
            socket.on("later") { (text: String) async throws in
                await Task.yield()
                return (text, text.count, true)
            }
        } client: { client in
            try await client.send(#"421["divide",17,5]"#)
            #expect(try await client.nextText() == "431[3,2]")
            try await client.send(#"422["later","abc"]"#)
            #expect(try await client.nextText() == #"432["abc",3,true]"#)
        }
    }

    @Test("A handler takes any count of arguments: those beyond are ignored, missing ones are nil where they may be")
    func arguments() async throws {
        try await serve { socket in
            socket.on("x") { (a: Int, b: String?, c: [Bool]?, d: Double?) in
                "\(a) \(b ?? "-") \(c?.count ?? -1) \(d ?? -1)"
            }
        } client: { client in
            try await client.send(#"421["x",1]"#)
            #expect(try await client.nextText() == #"431["1 - -1 -1.0"]"#)
            try await client.send(#"422["x",1,"b",[true,false],0.5,"more",{}]"#)
            #expect(try await client.nextText() == #"432["1 b 2 0.5"]"#)
        }
    }

    @Test(
        "A reserved name is refused: no handler, no event, and an error where an acknowledgement was asked for",
        arguments: ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"])
    func reserved(_ name: String) async throws {
        try await serve { socket in
            let listener = socket.on(name) { () in socket.emit("never") }
            socket.off(listener)
            socket.emit(name, 1)
            socket.emit(name) { (answer: Result<Int, SocketIOError>) in
                if case .failure(let error) = answer { socket.emit("refused", error.code.rawValue, error.message) }
            }
        } client: { client async throws in
            #expect(
                try await client.nextText() == #"42["refused","reservedEvent","\"\#(name)\" is a reserved event name"]"#
            )
        }
    }
}
