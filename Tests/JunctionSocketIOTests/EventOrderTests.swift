import JunctionSocketIO
import NIOCore
import RawClients
import TestSupport
import Testing

/// One socket's events are handled one after another, however their handlers are mixed.
@Suite(.timeLimit(.minutes(5))) struct EventOrderTests {
    /// What one event does, chosen by the seed.
    private enum Kind: Int, CaseIterable {
        case inline, asynchronous, hops, asks, mixed, once
    }

    @Test(
        "Events of any mix of handlers never overtake or interrupt each other, and the disconnect comes last",
        arguments: 0..<24)
    func neverOvertaken(_ seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let kinds = (0..<200).map { _ in Kind.allCases.randomElement(using: &generator) ?? .inline }
        // How many events leave in one write, and with them in one read at the server.
        var cuts: [Int] = []
        while cuts.reduce(0, +) < kinds.count { cuts.append(Int.random(in: 1...17, using: &generator)) }
        let hasAsyncMiddleware = seed % 3 == 1
        let hasMiddleware = seed % 5 == 2
        let hasCatchAll = seed % 4 == 2
        var options = SocketIOOptions()
        // While an answer is awaited four times as many may wait.
        options.maximumQueuedEvents = seed % 2 == 0 ? 256 : 64
        let log = Box<String>()
        try await serve(options: options) { socket in
            if hasMiddleware { socket.use { event in event.name += "" } }
            if hasAsyncMiddleware { socket.use { event async in if event.name != "inline" { await Task.yield() } } }
            if hasCatchAll { socket.onAny { event in if event.name == "never" { log.put("never") } } }
            Self.handle(socket, log)
        } client: { [cuts] client in
            var next = 0
            for cut in cuts {
                var frames = ByteBuffer()
                for number in next..<min(next + cut, kinds.count) {
                    let text = #"42["\#(kinds[number])",\#(number)]"#
                    frames.writeImmutableBuffer(RawWebSocket.frame(.text, ByteBuffer(string: text)))
                }
                next += cut
                try await client.send(raw: frames)
            }
            for _ in kinds.filter({ $0 == .asks }) {
                let question = try await client.nextText()
                let id = try #require(question.firstMatch(of: /^42(\d+)\["question"/)?.1)
                try await client.send("43\(id)[]")
            }
            try await client.send("41")
            for (number, kind) in kinds.enumerated() {
                #expect(await log.take() == "begin \(kind) \(number)")
                #expect(await log.take() == "end \(kind) \(number)")
            }
            #expect(await log.take() == "client namespace disconnect")
        }
    }

    private static func handle(_ socket: Socket, _ log: Box<String>) {
        @Sendable func begin(_ kind: Kind, _ number: Int) { log.put("begin \(kind) \(number)") }
        @Sendable func end(_ kind: Kind, _ number: Int) { log.put("end \(kind) \(number)") }
        socket.on("inline") { (number: Int) in
            begin(.inline, number)
            end(.inline, number)
        }
        socket.on("asynchronous") { (number: Int) async in
            begin(.asynchronous, number)
            for _ in 0..<number % 5 { await Task.yield() }
            end(.asynchronous, number)
        }
        socket.on("hops") { (number: Int) async in
            begin(.hops, number)
            await Task.detached { await Task.yield() }.value
            end(.hops, number)
        }
        socket.on("asks") { (number: Int) async throws in
            begin(.asks, number)
            try await socket.emitWithAck("question", number)
            end(.asks, number)
        }
        socket.on("mixed") { (number: Int) in begin(.mixed, number) }
        socket.on("mixed") { (number: Int) async in
            await Task.yield()
            end(.mixed, number)
        }
        addOnce(socket, log)
        socket.onDisconnect { log.put("\($0)") }
    }

    /// A handler that is spent and added again with each event.
    private static func addOnce(_ socket: Socket, _ log: Box<String>) {
        socket.once("once") { (number: Int) in
            log.put("begin once \(number)")
            addOnce(socket, log)
            log.put("end once \(number)")
        }
    }

    @Test("What a handler brings about waits until it has returned: a disconnect does not come in between")
    func notNested() async throws {
        let log = Box<String>()
        try await serve { socket in
            socket.on("x") { () in
                log.put("begin")
                socket.disconnect()
                log.put("end")
            }
            socket.onDisconnect { log.put("\($0)") }
        } client: { client in
            try await client.send(#"42["x"]"#)
            #expect(await log.take() == "begin")
            #expect(await log.take() == "end")
            #expect(await log.take() == "server namespace disconnect")
        }
    }

    @Test("Events that came behind the one whose handler disconnects are not handled any more")
    func afterDisconnect() async throws {
        let log = Box<String>()
        try await serve { socket in
            socket.on("x") { (number: Int) async in
                log.put("x \(number)")
                await Task.yield()
                if number == 1 { socket.disconnect() }
            }
            socket.onDisconnect { log.put("\($0)") }
        } client: { client in
            var frames = ByteBuffer()
            for number in 0..<4 {
                frames.writeImmutableBuffer(RawWebSocket.frame(.text, ByteBuffer(string: #"42["x",\#(number)]"#)))
            }
            try await client.send(raw: frames)
            for expected in ["x 0", "x 1", "server namespace disconnect"] { #expect(await log.take() == expected) }
        }
    }
}
