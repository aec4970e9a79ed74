import JunctionTransport
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import JunctionWebSocket

/// A server's end of a connection that compresses, without a socket.
private final class ServerEnd {
    let handler: WebSocketHandler
    private let channel = EmbeddedChannel()
    private let client: CompressingPeer

    init(_ agreement: CompressionAgreement, _ options: WebSocketCompression = .init()) throws {
        let executor = LoopExecutor.of(channel.embeddedEventLoop)
        handler = WebSocketHandler(executor: executor, limits: .init(), maximumBufferedBytes: 1 << 30)
        handler.compress(agreement, options)
        client = CompressingPeer(agreement)
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    }

    /// What was sent since the last call, as it stands on the wire.
    func sent() throws -> ByteBuffer {
        channel.embeddedEventLoop.run()
        var bytes = ByteBuffer()
        while let part = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeImmutableBuffer(part) }
        return bytes
    }

    /// What the client makes of what was sent.
    func received() throws -> Decoded { client.decode(try sent()) }

    func finish() throws { _ = try channel.finish(acceptAlreadyClosed: true) }
}

@Suite("permessage-deflate: sending")
struct CompressedConnectionTests {
    private static let line = #"{"symbol":"KRW","price":1234.5,"text":"가격"}"#
    private static let long = ByteBuffer(string: String(repeating: line, count: 100))

    @Test(
        "sends messages of the threshold and above compressed, shorter ones as they are",
        arguments: [agreement(), agreement(serverNoContextTakeover: true)])
    func threshold(agreement: CompressionAgreement) throws {
        let end = try ServerEnd(agreement)
        let (below, at) = (ByteBuffer(repeating: 97, count: 1023), ByteBuffer(repeating: 97, count: 1024))
        end.handler.send(.text, below)
        var bytes = try end.sent()
        #expect(bytes.getInteger(at: 0, as: UInt8.self) == 0x81 && bytes.readableBytes == 1027)
        end.handler.send(.text, at)
        bytes = try end.sent()
        #expect(bytes.getInteger(at: 0, as: UInt8.self) == 0xC1 && bytes.readableBytes < 30)
        try end.finish()
    }

    @Test(
        "what is sent in any way arrives, with and without context takeover and with small windows",
        arguments: [
            agreement(), agreement(serverNoContextTakeover: true), agreement(serverMaxWindowBits: 9),
            agreement(serverNoContextTakeover: true, serverMaxWindowBits: 11),
        ])
    func roundTrip(agreement: CompressionAgreement) throws {
        let end = try ServerEnd(agreement)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<100 {
            let payload = ByteBuffer(
                string: String(repeating: Self.line, count: Int.random(in: 0...400, using: &generator)))
            end.handler.send(.binary, payload)
            _ = end.handler.send(.text) { $0.writeImmutableBuffer(payload) }
            var frames = ByteBuffer()
            WebSocketFrameEncoder.write(.text, payload, into: &frames)
            WebSocketFrameEncoder.write(.binary, payload, into: &frames)
            end.handler.send(encoded: SharedFrames(plain: frames))
            end.handler.send(.ping, ByteBuffer(string: "still there?"))
            #expect(
                try end.received().events == [
                    .binary(payload), .text(payload), .text(payload), .binary(payload),
                    .ping(ByteBuffer(string: "still there?")),
                ])
        }
        try end.finish()
    }

    @Test("with context takeover, a message that was sent before costs next to nothing")
    func takeover() throws {
        let end = try ServerEnd(agreement())
        end.handler.send(.text, Self.long)
        let first = try end.sent().readableBytes
        end.handler.send(.text, Self.long)
        let second = try end.sent().readableBytes
        #expect(second < first / 2)
        try end.finish()
        let fresh = try ServerEnd(agreement(serverNoContextTakeover: true))
        fresh.handler.send(.text, Self.long)
        let one = try fresh.sent()
        fresh.handler.send(.text, Self.long)
        #expect(try fresh.sent() == one)
        try fresh.finish()
    }

    @Test("a message that is not to be compressed is not, and those around it still arrive")
    func uncompressed() throws {
        let end = try ServerEnd(agreement())
        var frames = ByteBuffer()
        WebSocketFrameEncoder.write(.text, Self.long, into: &frames)
        end.handler.send(.text, Self.long)
        end.handler.send(.text, Self.long, compress: false)
        _ = end.handler.send(.text, compress: false) { $0.writeImmutableBuffer(Self.long) }
        end.handler.send(encoded: SharedFrames(plain: frames), compress: false)
        end.handler.send(.text, Self.long)
        let bytes = try end.sent()
        #expect(bytes.readableBytes > frames.readableBytes * 3 && bytes.readableBytes < frames.readableBytes * 4)
        try end.finish()
        let other = try ServerEnd(agreement())
        other.handler.send(.text, Self.long)
        other.handler.send(.text, Self.long, compress: false)
        other.handler.send(.text, Self.long)
        #expect(try other.received().events == Array(repeating: .text(Self.long), count: 3))
        try other.finish()
    }

    @Test("without context takeover, what does not become shorter is sent as it is")
    func incompressible() throws {
        var generator = SeededGenerator(seed: 9)
        let noise = ByteBuffer(bytes: (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &generator) })
        let end = try ServerEnd(agreement(serverNoContextTakeover: true))
        end.handler.send(.binary, noise)
        #expect(try end.sent() == frame(0x82, noise, maskingKey: nil))
        try end.finish()
        let kept = try ServerEnd(agreement())
        kept.handler.send(.binary, noise)
        kept.handler.send(.binary, noise)
        #expect(try kept.received().events == [.binary(noise), .binary(noise)])
        try kept.finish()
    }

    @Test("a body that fails sends nothing, and what follows arrives")
    func failingBody() throws {
        struct Failure: Error {}
        let end = try ServerEnd(agreement())
        #expect(throws: Failure.self) {
            try end.handler.send(.text) { buffer in
                buffer.writeImmutableBuffer(Self.long)
                throw Failure()
            }
        }
        end.handler.send(.text, Self.long)
        #expect(try end.received().events == [.text(Self.long)])
        try end.finish()
    }

    @Test("a broadcast is compressed once for all connections without context takeover, and for each of the others")
    func broadcast() throws {
        var frames = ByteBuffer()
        WebSocketFrameEncoder.write(.text, ByteBuffer(string: "short"), into: &frames)
        WebSocketFrameEncoder.write(.text, Self.long, into: &frames)
        WebSocketFrameEncoder.write(.binary, Self.long, into: &frames)
        let shared = SharedFrames(plain: frames)
        let expected: [WebSocketEvent] = [.text(ByteBuffer(string: "short")), .text(Self.long), .binary(Self.long)]
        let fresh = agreement(serverNoContextTakeover: true)
        var storages: Set<UInt> = []
        for agreement in [fresh, fresh, agreement()] {
            let end = try ServerEnd(agreement)
            _ = try end.sent()
            end.handler.send(encoded: shared)
            #expect(try end.received().events == expected)
            if !agreement.serverNoContextTakeover { continue }
            let deflater = MessageDeflater(agreement, .init(), on: .of(EmbeddedEventLoop()))
            let address = shared.compressed(by: deflater).withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
            storages.insert(address)
            try end.finish()
        }
        #expect(storages.count == 1)
        let small = MessageDeflater(
            agreement(serverNoContextTakeover: true, serverMaxWindowBits: 9), .init(), on: .of(EmbeddedEventLoop()))
        #expect(shared.compressed(by: small) != shared.plain)
    }

    @Test("compressors and decompressors are made with the first message that needs them")
    func lazily() throws {
        let agreement = agreement()
        let deflater = MessageDeflater(agreement, .init(), on: .of(EmbeddedEventLoop()))
        let inflater = MessageInflater(agreement, on: .of(EmbeddedEventLoop()))
        #expect(!deflater.holdsMemory && !inflater.holdsMemory)
        var output = ByteBuffer()
        deflater.write(.text, ByteBuffer(string: "short"), into: &output)
        #expect(!deflater.holdsMemory)
        deflater.write(.text, Self.long, into: &output)
        #expect(deflater.holdsMemory)
    }

    @Test("without context takeover a connection holds neither between messages")
    func nothingHeld() throws {
        let agreement = agreement(serverNoContextTakeover: true, clientNoContextTakeover: true)
        let executor = LoopExecutor.of(EmbeddedEventLoop())
        let deflater = MessageDeflater(agreement, .init(), on: executor)
        let inflater = MessageInflater(agreement, on: executor)
        var decoder = WebSocketFrameDecoder(role: .server, inflater: inflater)
        let peer = CompressingPeer(agreement)
        let payload = peer.compressed(Self.long)
        var rest = payload
        let start = rest.readSlice(length: 20) ?? rest
        _ = decoder.decode(frame(0x41, start))
        #expect(inflater.holdsMemory)
        #expect(decoder.decode(frame(0x80, rest)).events == [.text(Self.long)])
        #expect(!inflater.holdsMemory)
        var output = ByteBuffer()
        deflater.write(.text, Self.long, into: &output)
        #expect(!deflater.holdsMemory)
    }
}
