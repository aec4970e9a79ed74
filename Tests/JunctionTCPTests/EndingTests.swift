import JunctionTCP
import NIOCore
import TestSupport
import Testing

@Suite("Ends of TCP connections", .timeLimit(.minutes(5)))
struct EndingTests {
    // MARK: Half-close

    @Test("a client that has finished still reads the whole answer")
    func clientFinishes() async throws {
        let answer = pattern(8_000_000)
        let server = TCPServer.local { connection in
            let question = try await connection.readAll()
            #expect(String(buffer: question) == "question")
            try await connection.write(answer)
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("question")
                connection.finish()
                let received = try await connection.readAll()
                #expect(received == answer)
            }
        }
    }

    @Test("a server that has finished still reads what the client sends")
    func serverFinishes() async throws {
        let received = Box<String>()
        let server = TCPServer.local { connection in
            try await connection.write("that is all")
            connection.finish()
            received.put(String(buffer: try await connection.readAll()))
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                #expect(String(buffer: try await connection.readAll()) == "that is all")
                try await connection.write("thank you")
                connection.finish()
                #expect(await received.take() == "thank you")
            }
        }
    }

    @Test("finishing twice, or on both sides, ends the connection once everything has arrived")
    func bothFinish() async throws {
        let (data, arrived) = (pattern(4_000_000), Box<ByteBuffer>())
        let server = TCPServer.local { connection in
            async let reading = connection.readAll()
            try await connection.write(data)
            connection.finish()
            connection.finish()
            arrived.put(try await reading)
        }
        try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            async let reading = connection.readAll()
            try await connection.write(data)
            connection.finish()
            let received = try await reading
            #expect(received == data)
            await connection.waitUntilClosed()
            #expect(await arrived.take() == data)
        }
    }

    @Test("writing after finishing fails, while reading goes on")
    func writeAfterFinish() async throws {
        let server = TCPServer.local { connection in
            _ = try await connection.readAll()
            try await connection.write("bye")
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                connection.finish()
                let error = await networkError { try await connection.write("late") }
                #expect(error?.code == .brokenPipe)
                #expect(error?.message == "write: this side of the connection is finished")
                let farewell = try await connection.readText()
                #expect(farewell == "bye")
            }
        }
    }

    // MARK: Close

    @Test("a large write that is followed by a close arrives completely")
    func writeAndClose() async throws {
        let data = pattern(16_000_000)
        let server = TCPServer.local { connection in
            try await connection.write(data)
            connection.close()
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let received = try await connection.readAll()
                #expect(received == data)
            }
        }
    }

    @Test("what an inline server writes before it closes arrives completely")
    func inlineWriteAndClose() async throws {
        let data = pattern(8_000_000)
        let server = TCPServer(
            host: "127.0.0.1", port: 0,
            onMessage: { _, connection in
                connection.write(data)
                connection.close()
            })
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("go")
                let received = try await connection.readAll()
                #expect(received == data)
            }
        }
    }

    @Test("an inline server's long answer reaches a client that half-closes behind its question")
    func inlineLongAnswer() async throws {
        let answer = pattern(8_000_000)
        let server = TCPServer(host: "127.0.0.1", port: 0, onMessage: { _, connection in connection.write(answer) })
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                try await connection.write("question")
                connection.finish()
                let received = try await connection.readAll()
                #expect(received == answer)
            }
        }
    }

    @Test("an inline server answers everything of a client that half-closes behind its questions")
    func inlineHalfClose() async throws {
        let data = pattern(1_000_000)
        let server = TCPServer(
            host: "127.0.0.1", port: 0, onMessage: { data, connection in connection.write(data) })
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                async let reading = connection.readAll()
                try await connection.write(data)
                connection.finish()
                let received = try await reading
                #expect(received == data)
            }
        }
    }

    @Test("writing to a connection that this side closed fails with EPIPE and the reason")
    func writeAfterClose() async throws {
        let server = TCPServer.local { connection in _ = try await connection.readAll() }
        try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            connection.close()
            for _ in 0..<2 {
                let error = await networkError { try await connection.write("late") }
                #expect(error?.code == .brokenPipe)
                #expect(error?.description == "EPIPE: write: the connection is closed (closed by this side)")
                await connection.waitUntilClosed()
            }
        }
    }

    @Test("writing to a connection that the peer closed fails with EPIPE and the reason")
    func writeAfterRemoteClose() async throws {
        let server = TCPServer.local { _ in }
        try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            _ = try await connection.readAll()
            connection.finish()
            await connection.waitUntilClosed()
            let error = await networkError { try await connection.write("late") }
            #expect(error?.code == .brokenPipe)
            #expect(error?.message == "write: the connection is closed (closed by the peer)")
        }
    }

    @Test("says why a connection ended, and nothing while it is open")
    func closeReason() async throws {
        let server = TCPServer.local { connection in _ = try await connection.readText() }
        try await server.withListening { address in
            let closing = try await TCPClient.connect(to: address)
            #expect(await closing.closeReason == nil)
            closing.close()
            await closing.waitUntilClosed()
            guard case .localClosed = await closing.closeReason else {
                Issue.record("this side closed")
                return
            }

            let closed = try await TCPClient.connect(to: address)
            try await closed.write("go")
            _ = try await closed.readAll()
            closed.finish()
            await closed.waitUntilClosed()
            guard case .remoteClosed = await closed.closeReason else {
                Issue.record("the peer closed")
                return
            }
        }
    }

    @Test("the stream ends when this side closes, and stays ended")
    func readAfterClose() async throws {
        let server = TCPServer.local { connection in _ = try await connection.readAll() }
        try await server.withListening { address in
            let connection = try await TCPClient.connect(to: address)
            async let reading = connection.readText()
            connection.close()
            #expect(try await reading == nil)
            #expect(try await connection.readText() == nil)
        }
    }

    @Test("a handler that returns closes its connection")
    func handlerReturns() async throws {
        let server = TCPServer.local { connection in try await connection.write("bye") }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let farewell = try await connection.readText()
                #expect(farewell == "bye")
                let end = try await connection.readText()
                #expect(end == nil)
            }
        }
    }

    @Test("a client's scope closes its connection when it returns and when it throws")
    func clientScope() async throws {
        struct Failure: Error {}
        let ends = Box<Void>()
        let server = TCPServer.local { connection in
            _ = try await connection.readAll()
            ends.put(())
        }
        try await server.withListening { address in
            let result = try await TCPClient.withConnection(to: address) { _ in 42 }
            #expect(result == 42)
            await ends.take()
            await #expect(throws: Failure.self) {
                try await TCPClient.withConnection(to: address) { _ in throw Failure() }
            }
            await ends.take()
        }
    }
}
