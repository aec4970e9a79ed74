import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// Broadcasts that every client is to acknowledge.
@Suite(.timeLimit(.minutes(1))) struct BroadcastAckTests {
    /// A server with that many clients, all of them in the room `r`.
    private func run(
        _ count: Int, _ body: @escaping @Sendable (SocketIOServer, Clients) async throws -> Void
    ) async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { $0.join("r") }
        try await Clients.run(count, of: io) { try await body(io, $0) }
    }

    /// Time limits, one after another.
    private static let limits: [Duration] = [.milliseconds(100), .seconds(1), .seconds(10)]

    /// Reads the question `x` and returns the number that the answer needs.
    private func question(_ socket: RawWebSocket) async throws -> String {
        let text = try await socket.nextText()
        return String(try #require(text.wholeMatch(of: /42(\d+)\["x",7\]/)?.1, "\(text) asks nothing"))
    }

    @Test("emitWithAck returns the first argument of each client's answer, in the order of the answers")
    func answers() async throws {
        try await run(6) { io, clients in
            async let replies: [String] = io.to("r").emitWithAck("x", 7)
            var numbers: Set<String> = []
            for (index, socket) in clients.sockets.enumerated() {
                let number = try await question(socket)
                numbers.insert(number)
                try await socket.send(#"43\#(number)["\#(index)","ignored"]"#)
                _ = try await socket.receivedText()
            }
            #expect(try await replies == ["0", "1", "2", "3", "4", "5"])
            // One packet for all, and a number that fits into 31 bits.
            #expect(numbers.count == 1)
            #expect(numbers.first.flatMap(Int32.init) != nil)
        }
    }

    @Test("Nobody chosen, nobody answers")
    func nobody() async throws {
        try await run(1) { io, _ in
            let replies: [Int] = try await io.to("nowhere").emitWithAck("x", 7)
            #expect(replies == [])
            let none: [Int] = try await io.of("/empty").emitWithAck("x", 7)
            #expect(none == [])
        }
    }

    @Test("When the time is over the error carries the answers that came, and a late one is ignored")
    func timeout() async throws {
        try await run(3) { io, clients in
            var last: BroadcastError?
            // As long as it takes on a busy machine for one answer to come in time.
            for limit in Self.limits {
                let call = Task { () async throws -> [String] in
                    try await io.timeout(limit).to("r").emitWithAck("x", 7)
                }
                let number = try await question(clients.sockets[0])
                try await clients.sockets[0].send(#"43\#(number)["yes"]"#)
                last = await #expect(throws: BroadcastError.self) { try await call.value }
                for socket in clients.sockets.dropFirst() {
                    #expect(try await question(socket) == number)
                    try await socket.send(#"43\#(number)["too late"]"#)
                    #expect(try await socket.receivedText() == [])
                }
                if last?.replies.isEmpty == false { break }
            }
            let error = try #require(last)
            #expect(error.code == .timeout)
            #expect(error.message == "operation has timed out")
            #expect(try error.replies(as: String.self) == ["yes"])
        }
    }

    @Test("A client that leaves before it answers is not waited for: the error carries the answers of those who stayed")
    func disconnected() async throws {
        try await run(3) { io, clients in
            let failure = Mailbox<BroadcastError>()
            let call = Task {
                do {
                    let _: [String] = try await io.emitWithAck("x", 7)
                } catch let error as BroadcastError {
                    failure.put(error)
                }
            }
            for (index, socket) in clients.sockets.enumerated() {
                let number = try await question(socket)
                try await socket.send(index == 1 ? "41" : #"43\#(number)[\#(index)]"#)
            }
            let error = try await failure.take()
            try await call.value
            #expect(error.code == .disconnected)
            #expect(try error.replies(as: Int.self).sorted() == [0, 2])
        }
    }

    @Test("A socket asks everybody else, within the time that it was given before rooms were chosen")
    func fromSocket() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { socket in
            socket.join("r")
            socket.on("ask") { (limit: Int) async throws -> [String] in
                do {
                    let _: [String] = try await socket.timeout(Self.limits[limit]).to("r").emitWithAck("x", 7)
                    return []
                } catch let error as BroadcastError {
                    return try [error.code.rawValue] + error.replies(as: String.self)
                }
            }
        }
        try await Clients.run(3, of: io) { clients in
            var answer = ""
            for limit in Self.limits.indices {
                try await clients.sockets[0].send(#"421["ask",\#(limit)]"#)
                let number = try await question(clients.sockets[1])
                try await clients.sockets[1].send(#"43\#(number)["yes"]"#)
                #expect(try await question(clients.sockets[2]) == number)
                answer = try await clients.sockets[0].nextText()
                if answer != #"431[["timeout"]]"# { break }
            }
            #expect(answer == #"431[["timeout","yes"]]"#)
        }
    }

    @Test("emitWithAck ends with its task")
    func cancellation() async throws {
        try await run(2) { io, clients in
            let call = Task { () -> [String] in try await io.emitWithAck("x", 7) }
            for socket in clients.sockets { _ = try await question(socket) }
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
    }

    @Test("What cannot be encoded is an error of the call, and reaches nobody")
    func notEncodable() async throws {
        try await run(1) { io, clients in
            await #expect(throws: EncodingError.self) {
                let _: [Int] = try await io.emitWithAck("disconnect", 7)
            }
            try await clients.expect([:])
        }
    }

    @Test("An answer of another type is a DecodingError")
    func wrongType() async throws {
        try await run(1) { io, clients in
            let call = Task { () -> [Int] in try await io.emitWithAck("x", 7) }
            let number = try await question(clients.sockets[0])
            try await clients.sockets[0].send(#"43\#(number)["text"]"#)
            await #expect(throws: DecodingError.self) { try await call.value }
        }
    }

    @Test("The closure of emit is called once, with all answers or with the error")
    func closure() async throws {
        try await run(2) { io, clients in
            let outcomes = Mailbox<Result<[Int], any Error>>()
            io.to("r").emit("x", 7) { outcomes.put($0) }
            for (index, socket) in clients.sockets.enumerated() {
                let number = try await question(socket)
                try await socket.send("43\(number)[\(index)]")
            }
            #expect(try await outcomes.take().get().sorted() == [0, 1])
            io.timeout(.milliseconds(1)).emit("x", 7) { outcomes.put($0) }
            let failed = try await outcomes.take()
            #expect(throws: BroadcastError.self) { try failed.get() }
        }
    }

    @Test("A broadcast's number does not meet those of a socket's own calls")
    func numbers() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let results = Mailbox<String>()
        io.onConnection { socket in
            socket.on("ask") { () async throws in
                let answer: String = try await socket.emitWithAck("own")
                results.put(answer)
            }
        }
        try await Clients.run(1, of: io) { clients in
            let client = clients.sockets[0]
            try await client.send(#"42["ask"]"#)
            #expect(try await client.nextText() == #"420["own"]"#)
            async let replies: [String] = io.emitWithAck("x", 7)
            let number = try await question(client)
            try await client.send(#"43\#(number)["of all"]"#)
            try await client.send(#"430["own answer"]"#)
            #expect(try await replies == ["of all"])
            #expect(try await results.take() == "own answer")
        }
    }

    @Test("A client that owes too many answers is not asked, and its answer is missing")
    func tooMany() async throws {
        var options = SocketIOOptions()
        options.maximumPendingAcks = 2
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        try await Clients.run(1, of: io) { clients in
            let calls = (0..<2).map { _ in Task { () -> [Int] in try await io.emitWithAck("x", 7) } }
            var numbers: [String] = []
            for _ in calls { numbers.append(try await question(clients.sockets[0])) }
            let error = await #expect(throws: BroadcastError.self) { let _: [Int] = try await io.emitWithAck("x", 8) }
            #expect(error?.code == .disconnected)
            for number in numbers { try await clients.sockets[0].send("43\(number)[1]") }
            for call in calls { #expect(try await call.value == [1]) }
            try await clients.expect([:])
        }
    }
}
