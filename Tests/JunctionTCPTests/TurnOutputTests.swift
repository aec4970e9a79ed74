import JunctionTesting
import NIOCore
import TestSupport
import Testing

@testable import JunctionTCP

/// What is written in turns of the loop goes straight to the kernel, by way of the channel when the kernel's buffer is full,
/// and straight again when that has drained.
@Suite("What is written in turns", .timeLimit(.minutes(5)))
struct TurnOutputTests {
    /// Writes from `data` in turns of random numbers of writes of random sizes, until the kernel's buffer is full.
    private static func writeTurns(
        of data: inout ByteBuffer, to connection: TCPConnection, _ generator: inout SeededGenerator
    ) async throws {
        while data.readableBytes > 0 {
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let size = sizes.randomElement(using: &generator) ?? 1
                let length = min(Int.random(in: 0...size, using: &generator), data.readableBytes)
                if let part = data.readSlice(length: length) { connection.queue(part) }
            }
            try await connection.executor.eventLoop.submit {}.get()  // the end of the turn
            if await connection.queuedBytes > 0 { return }
        }
    }

    private static let sizes = [1, 100, 4_096, 65_535, 65_536, 65_537, 300_000]

    @Test(
        "everything arrives in order and complete, whatever the sizes, with a reader that is slow at times",
        arguments: 1...12)
    func order(_ seed: Int) async throws {
        let data = pattern(12_000_000)
        let (isBehind, hasRead) = (Box<Int>(), Box<Void>())
        let counts = Box<(UInt64, behind: Int)>()
        let server = TCPServer.local { connection in
            var (rest, generator, behind) = (data, SeededGenerator(seed: UInt64(seed)), 0)
            while rest.readableBytes > 0 {
                // Until the kernel's buffer is full; then the reader takes all that there is.
                try await Self.writeTurns(of: &rest, to: connection, &generator)
                if await connection.queuedBytes > 0 { behind += 1 }
                isBehind.put(data.readableBytes - rest.readableBytes)
                await hasRead.take()
            }
            counts.put((await connection.bytesWritten, behind))
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                var received = ByteBuffer()
                while received.readableBytes < data.readableBytes {
                    guard let written = await isBehind.take() else { break }
                    while received.readableBytes < written {
                        guard var part = try await connection.inbound.first(where: { _ in true }) else { break }
                        received.writeBuffer(&part)
                    }
                    hasRead.put(())
                }
                #expect(received == data)
            }
            let (written, behind) = try #require(await counts.take())
            #expect(written == UInt64(data.readableBytes))
            #expect(behind > 0, "the channel was needed, and direct sends came again behind it")
        }
    }

    @Test("everything arrives in order and complete with a reader that takes what there is", arguments: 1...4)
    func steady(_ seed: Int) async throws {
        let data = pattern(20_000_000)
        let counts = Box<UInt64>()
        let server = TCPServer.local { connection in
            var (rest, generator) = (data, SeededGenerator(seed: UInt64(seed)))
            while rest.readableBytes > 0 {
                try await Self.writeTurns(of: &rest, to: connection, &generator)
                try await connection.write(ByteBuffer())  // waits while more is queued than the mark
            }
            counts.put(await connection.bytesWritten)
        }
        try await server.withListening { address in
            try await TCPClient.withConnection(to: address) { connection in
                let received = try await connection.readAll()
                #expect(received == data)
                #expect(await counts.take() == UInt64(data.readableBytes))
            }
        }
    }
}
