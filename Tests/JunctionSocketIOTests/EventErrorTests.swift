import JunctionSocketIO
import RawClients
import TestSupport
import Testing

/// Handlers that fail, and arguments that do not fit: one call ends, the client is told, nothing else happens.
@Suite(.timeLimit(.minutes(5))) struct EventErrorTests {
    private static let internalError = #"[{"error":{"code":"internal_error","message":"Internal error"}}]"#

    @Test("A client that waits for an acknowledgement learns of an error, and of nothing internal with it")
    func internalErrors() async throws {
        try await serve { socket in
            socket.on("sync") { () throws in throw Secret() }
            socket.on("reply") { () throws -> Int in throw Secret() }
            socket.on("async") { () async throws in throw Secret() }
            socket.on("raw") { (_: IncomingEvent) in throw Secret() }
            socket.on("unencodable") { () in Double.nan }
        } client: { client in
            for (id, name) in ["sync", "reply", "async", "raw", "unencodable"].enumerated() {
                try await client.send(#"42\#(id)["\#(name)"]"#)
                #expect(try await client.nextText() == "43\(id)\(Self.internalError)", "\(name)")
            }
        }
    }

    @Test("An EventError reaches the client as it is")
    func eventError() async throws {
        try await serve { socket in
            socket.on("plain") { () throws in throw EventError("too_late", "The shop is closed.") }
            socket.on("data") { () async throws in throw EventError("too_late", "Closed.", data: ["opens": 9]) }
        } client: { client in
            try await client.send(#"421["plain"]"#)
            #expect(
                try await client.nextText() == #"431[{"error":{"code":"too_late","message":"The shop is closed."}}]"#)
            try await client.send(#"422["data"]"#)
            #expect(
                try await client.nextText()
                    == #"432[{"error":{"code":"too_late","message":"Closed.","data":{"opens":9}}}]"#)
        }
    }

    @Test(
        "Arguments that are missing or of another type are named by their place, not by what the server expects",
        arguments: [
            (#"["sum",1]"#, "args[1]"), (#"["sum","one",2]"#, "args[0]"), (#"["sum",1,{"a":[]}]"#, "args[1]"),
            (#"["later",null]"#, "args[0]"), (#"["later",[1,2.5]]"#, "args[0]"), (#"["raw"]"#, "args[0]"),
        ])
    func invalidArguments(_ event: String, _ place: String) async throws {
        try await serve { socket in
            socket.on("sum") { (a: Int, b: Int) in a + b }
            socket.on("later") { (list: [Int]) async in list.count }
            socket.on("raw") { (event: IncomingEvent) throws in
                let number: Int = try event.decode(Int.self)
                event.acknowledge(number)
            }
        } client: { client in
            try await client.send("427\(event)")
            let error = #"{"code":"invalid_arguments","message":"\#(place) is missing or of another type"}"#
            #expect(try await client.nextText() == #"437[{"error":\#(error)}]"#)
            try await client.send(#"428["sum",1,2]"#)
            #expect(try await client.nextText() == "438[3]")
        }
    }

    @Test("What is thrown after the acknowledgement was sent changes nothing for the client")
    func afterAcknowledgement() async throws {
        try await serve { socket in
            socket.on("x") { (event: IncomingEvent) in
                event.acknowledge("done")
                throw Secret()
            }
            socket.on("y") { (event: IncomingEvent) async throws in
                event.acknowledge("done, too")
                throw Secret()
            }
            socket.on("echo") { (text: String) in text }
        } client: { client in
            try await client.send(#"421["x"]"#)
            #expect(try await client.nextText() == #"431["done"]"#)
            try await client.send(#"422["y"]"#)
            #expect(try await client.nextText() == #"432["done, too"]"#)
            try await client.send(#"423["echo","alive"]"#)
            #expect(try await client.nextText() == #"433["alive"]"#)
        }
    }

    @Test("Where no acknowledgement is awaited an error is logged alone, and the event's other handlers are called")
    func isolated() async throws {
        try await serve { socket in
            socket.on("x") { () throws in throw Secret() }
            socket.on("x") { () async throws in throw Secret() }
            socket.on("x") { () in socket.emit("called") }
        } client: { client in
            for _ in 0..<3 {
                try await client.send(#"42["x"]"#)
                #expect(try await client.nextText() == #"42["called"]"#)
            }
        }
    }

    @Test("The server's hook gets socket, event and error, and decides; the socket's own comes in its place")
    func hook() async throws {
        let seen = Box<String>()
        let disconnects = Box<String>()
        try await serve(configure: { io in
            io.onError { failure in
                let code = (failure.error as? SocketIOError)?.code.rawValue ?? "\(failure.error)"
                seen.put("\(failure.event.name) \(code) \(failure.socket.isConnected)")
                return switch failure.event.name {
                case "ignore": .ignore
                case "answer": .acknowledge(EventError("teapot", "I am one."))
                default: .report
                }
            }
        }) { socket in
            for name in ["ignore", "answer", "report"] { socket.on(name) { (_: Int) throws in throw Secret() } }
            socket.on("own hook") { () in socket.onError { _ in .acknowledge(EventError("own", "hook")) } }
            socket.onDisconnect { disconnects.put("\($0)") }
        } client: { client in
            try await client.send(#"421["ignore",1]"#)
            try await client.send(#"422["answer","wrong"]"#)
            #expect(try await client.nextText() == #"432[{"error":{"code":"teapot","message":"I am one."}}]"#)
            try await client.send(#"423["report",1]"#)
            #expect(try await client.nextText() == "433\(Self.internalError)")
            try await client.send(#"42["own hook"]"#)
            try await client.send(#"424["report",1]"#)
            #expect(try await client.nextText() == #"434[{"error":{"code":"own","message":"hook"}}]"#)
            #expect(await seen.take() == "ignore password: hunter2 true")
            #expect(await seen.take() == "answer invalidArguments true")
            #expect(await seen.take() == "report password: hunter2 true")
        }
        try await serve(configure: { $0.onError { _ in .disconnect(close: true) } }) { socket in
            socket.on("leave") { () throws in throw Secret() }
            socket.onDisconnect { disconnects.put("\($0)") }
        } client: { client in
            try await client.send(#"421["leave"]"#)
            #expect(try await client.nextText() == "431\(Self.internalError)")
            #expect(try await client.nextText() == "41")
            _ = try await client.closeCode()
        }
        // The first client leaves by itself, perhaps while its server does.
        let reasons = [await disconnects.take(), await disconnects.take()]
        #expect(reasons.filter { $0 == "server namespace disconnect" }.count == 1)
    }

    @Test("CVE-2024-38355: an event of the name error, or of any other that has no handler, does nothing")
    func errorEvent() async throws {
        try await serve { socket in
            socket.on("echo") { (text: String) in text }
        } client: { client in
            for name in ["error", "uncaughtException", "unhandledRejection", "close", "__proto__", "toString", ""] {
                try await client.send(#"42["\#(name)",{"message":"x"}]"#)
            }
            try await client.send(#"421["echo","alive"]"#)
            #expect(try await client.nextText() == #"431["alive"]"#)
        }
    }
}
