import JunctionSocketIO
import NIOCore
import RawClients
import TestSupport
import Testing

/// What stands between a client's events and their handlers.
@Suite(.timeLimit(.minutes(5))) struct SocketMiddlewareTests {
    @Test("Middleware sees each event, one after another, behind the catch-all handlers and before the event's own")
    func order() async throws {
        let log = Box<String>()
        try await serve { socket in
            socket.use { event in log.put("first \(event.name) \(try event.values())") }
            socket.use { event async in
                await Task.yield()
                log.put("second \(event.name)")
            }
            socket.onAny { event in log.put("any \(event.name)") }
            socket.on("x") { (number: Int) in log.put("own \(number)") }
        } client: { client in
            try await client.send(#"42["x",1]"#)
            try await client.send(#"42["nobody's"]"#)
            let expected = [
                "any x", "first x [1]", "second x", "own 1", "any nobody's", "first nobody's []", "second nobody's",
            ]
            for entry in expected { #expect(await log.take() == entry) }
        }
    }

    @Test("Middleware changes an event's name and arguments, bytes among them; the acknowledgement stays the event's")
    func changes() async throws {
        try await serve { socket in
            socket.use { event in
                guard event.name == "old" else { return }
                let number = try event.decode(Int.self)
                event.name = "new"
                try event.setArguments(number + 1, ByteBuffer(bytes: [9]), ["deep": ByteBuffer(bytes: [8, 7])])
            }
            socket.use { event in
                if event.name == "new" { try event.setArguments(values: try event.values() + ["appended"]) }
            }
            socket.on("new") { (number: Int, bytes: ByteBuffer, deep: [String: ByteBuffer], text: String) in
                [number, Int(bytes.readableBytes), deep["deep"]?.readableBytes ?? 0, text.count]
            }
            socket.on("old") { () in "not called" }
        } client: { client in
            try await client.send(#"421["old",1]"#)
            #expect(try await client.nextText() == "431[[2,1,2,8]]")
        }
    }

    @Test("What middleware throws ends the event there and goes to the error hook; the client gets it as its answer")
    func refusal() async throws {
        let failures = Box<String>()
        try await serve(configure: { io in
            io.onError { failure in
                failures.put("\(failure.event.name): \(failure.error)")
                return .report
            }
        }) { socket in
            socket.use { event in
                if event.name == "forbidden" { throw EventError("forbidden", "not for you", data: ["level": 3]) }
            }
            socket.use { event in log(event, to: failures) }
            socket.on("forbidden") { () in "handled" }
            socket.on("allowed") { () in "handled" }
        } client: { client in
            try await client.send(#"421["forbidden"]"#)
            #expect(
                try await client.nextText()
                    == #"431[{"error":{"code":"forbidden","message":"not for you","data":{"level":3}}}]"#)
            #expect(await failures.take() == "forbidden: forbidden: not for you")
            try await client.send(#"422["allowed"]"#)
            #expect(try await client.nextText() == #"432["handled"]"#)
            #expect(await failures.take() == "passed allowed")
        }
    }

    private func log(_ event: IncomingEvent, to box: Box<String>) { box.put("passed \(event.name)") }

    @Test("Events queue behind asynchronous middleware within the limit, and all of them are handled in order")
    func queues() async throws {
        var options = SocketIOOptions()
        options.maximumQueuedEvents = 4
        let log = Box<Int>()
        let gate = Gate()
        try await serve(options: options) { socket in
            socket.use { _ async in await gate.wait() }
            socket.on("x") { (number: Int) in log.put(number) }
        } client: { client in
            for number in 0..<100 { try await client.send(#"42["x",\#(number)]"#) }
            gate.open()
            for number in 0..<100 { #expect(await log.take() == number) }
        }
    }
}
