import NIOCore
import TestSupport
import Testing

@testable import JunctionWebSocket

@Suite("permessage-deflate: receiving")
struct InflateTests {
    private func text(_ string: String) -> WebSocketEvent { .text(ByteBuffer(string: string)) }

    private func bytes(_ bytes: UInt8...) -> ByteBuffer { ByteBuffer(bytes: bytes) }

    // MARK: - The examples of RFC 7692, section 7.2.3

    @Test("inflates a message in one frame, and one in two (7.2.3.1)")
    func examples() {
        var decoder = compressingDecoder()
        let whole = decoder.decode(frame(0xC1, bytes(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00)))
        #expect(whole == Decoded(events: [text("Hello")]))
        let parts = [frame(0x41, bytes(0xF2, 0x48, 0xCD)), frame(0x80, bytes(0xC9, 0xC9, 0x07, 0x00))]
        var other = compressingDecoder()
        #expect(other.decode(pieces: parts) == Decoded(events: [text("Hello")]))
    }

    @Test("lets a message refer to the one before, if the client keeps its context (7.2.3.2)")
    func contextTakeover() {
        let stream = joined(
            frame(0xC1, bytes(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00)),
            frame(0xC1, bytes(0xF2, 0x00, 0x11, 0x00, 0x00)))
        var kept = compressingDecoder()
        #expect(kept.decode(stream) == Decoded(events: [text("Hello"), text("Hello")]))
        var fresh = compressingDecoder(agreement(clientNoContextTakeover: true))
        #expect(fresh.decode(stream) == Decoded(events: [text("Hello")], error: .invalidCompression))
    }

    @Test("inflates stored blocks, final blocks and several blocks (7.2.3.3 to 7.2.3.5)")
    func blocks() {
        var decoder = compressingDecoder()
        let decoded = decoder.decode(
            joined(
                frame(0xC1, bytes(0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00)),
                frame(0xC1, bytes(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00)),
                frame(0xC1, bytes(0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00))))
        #expect(decoded == Decoded(events: [text("Hello"), text("Hello"), text("Hello")]))
    }

    @Test("goes on behind a final block, in the same message and in the next")
    func finalBlocks() {
        let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        var decoder = compressingDecoder()
        let decoded = decoder.decode(
            joined(
                frame(0xC1, ByteBuffer(bytes: final + final + [0x00])),
                frame(0xC1, ByteBuffer(bytes: final)),  // without the byte that opens an empty block
                frame(0xC1, ByteBuffer(bytes: final + [0x00])),
                frame(0x41, ByteBuffer(bytes: final)), frame(0x80, ByteBuffer(bytes: [0x00]))))
        #expect(decoded == Decoded(events: [text("HelloHello"), text("Hello"), text("Hello"), text("Hello")]))
    }

    @Test("inflates empty messages (7.2.3.6), also one of no bytes at all")
    func empty() {
        var decoder = compressingDecoder()
        let decoded = decoder.decode(
            joined(
                frame(0xC1, bytes(0x00)), frame(0xC2), frame(0x41), frame(0x00), frame(0x80),
                frame(0xC1, bytes(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00))))
        #expect(decoded == Decoded(events: [text(""), .binary(ByteBuffer()), text(""), text("Hello")]))
    }

    // MARK: - Reserved bits

    @Test("takes messages that are not compressed among those that are, and control frames between their fragments")
    func mixed() {
        var decoder = compressingDecoder()
        let decoded = decoder.decode(
            joined(
                frame(0x81, "plain"), frame(0x41, bytes(0xF2, 0x48, 0xCD)), frame(0x89, "ping"),
                frame(0x80, bytes(0xC9, 0xC9, 0x07, 0x00)), frame(0x82, "plain")))
        #expect(
            decoded.events == [
                text("plain"), .ping(ByteBuffer(string: "ping")), text("Hello"), .binary(ByteBuffer(string: "plain")),
            ])
    }

    @Test(
        "refuses RSV1 on control frames and continuations, RSV2 and RSV3 anywhere",
        arguments: [0xC9, 0xC8, 0xCA, 0xA1, 0x91, 0xE1] as [UInt8])
    func reservedBits(first: UInt8) {
        var decoder = compressingDecoder()
        #expect(decoder.decode(frame(first, bytes(0x00))).error == .reservedBits)
        var later = compressingDecoder()
        #expect(later.decode(joined(frame(0x41, bytes(0xF2)), frame(0xC0, bytes(0x48)))).error == .reservedBits)
        var plain = compressingDecoder()
        #expect(plain.decode(joined(frame(0x01, "x"), frame(0xC0, bytes(0x00)))).error == .reservedBits)
    }

    // MARK: - Bad input

    @Test(
        "refuses what is no compressed message, or only a part of one",
        arguments: [
            [0xFF, 0xFF], [0x00, 0x05, 0x00, 0x00, 0x00], [0x07], [0xF2, 0x48, 0xCD],
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07],
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48],
        ] as [[UInt8]])
    func invalid(payload: [UInt8]) {
        var decoder = compressingDecoder()
        #expect(decoder.decode(frame(0xC2, ByteBuffer(bytes: payload))) == Decoded(error: .invalidCompression))
        #expect(WebSocketError(.invalidCompression).closeCode == .invalidData)
        #expect(WebSocketError(.outOfMemory).closeCode == .internalError)
    }

    @Test("refuses text that is not UTF-8 when inflated, at the fragment that shows it")
    func invalidText() {
        let peer = CompressingPeer(agreement())
        let whole = peer.message(.text, ByteBuffer(bytes: [0x68, 0x69, 0xC3, 0x28]))
        var decoder = compressingDecoder()
        #expect(decoder.decode(whole).error == .invalidUTF8)
        // Stored, so that each piece can be seen through: "hi", then the wrong byte, and more is announced.
        let stored: [UInt8] = [0x00, 0x08, 0x00, 0xF7, 0xFF, 0x68, 0x69]
        var early = compressingDecoder()
        #expect(early.decode(frame(0x41, ByteBuffer(bytes: stored))) == Decoded())
        #expect(early.decode(frame(0x00, bytes(0xC0))).error == .invalidUTF8)
        var unfinished = compressingDecoder()
        let other = CompressingPeer(agreement())
        #expect(unfinished.decode(other.message(.text, ByteBuffer(bytes: [0xF0, 0x9F]))).error == .invalidUTF8)
    }

    @Test("says the same of text that is wrong and goes on wrongly, however it is cut")
    func firstFault() {
        // Stored: "hi" and a wrong byte, then the header of a block of the kind that does not exist.
        let bytes = ByteBuffer(bytes: [0x00, 0x03, 0x00, 0xFC, 0xFF, 0x68, 0x69, 0xC0, 0x07])
        var whole = compressingDecoder()
        #expect(whole.decode(frame(0xC1, bytes)).error == .invalidUTF8)
        var cut = compressingDecoder()
        let pieces = frame(0xC1, bytes).readableBytesView.map { ByteBuffer(bytes: [$0]) }
        #expect(cut.decode(pieces: pieces).error == .invalidUTF8)
        // The same as binary is only wrong behind it.
        var binary = compressingDecoder()
        #expect(binary.decode(frame(0xC2, bytes)).error == .invalidCompression)
    }

    @Test("never traps on noise, and never makes more of it than allowed")
    func noise() {
        var generator = SeededGenerator(seed: 11)
        for round in 0..<3000 {
            let first: UInt8 = [0xC1, 0xC2, 0x41, 0x42, 0x80, 0x00].randomElement(using: &generator) ?? 0xC1
            let payload = ByteBuffer(
                bytes: (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                })
            var decoder = compressingDecoder(
                agreement(clientNoContextTakeover: round % 2 == 0), limits: .init(maxMessageBytes: 100))
            let stream = joined(frame(first, payload), frame(0x80, payload), frame(0xC2, payload))
            for case .binary(let bytes) in decoder.decode(pieces: stream.pieces(using: &generator, maxLength: 20))
                .events
            {
                #expect(bytes.readableBytes <= 100)
            }
        }
    }

    // MARK: - Limits

    @Test("ends a message that inflates to more than allowed when it gets there, whatever it would become")
    func bomb() throws {
        let limits = WebSocketFrameLimits(maxMessageBytes: 1_000_000)
        let peer = CompressingPeer(agreement())
        let payload = peer.compressed(ByteBuffer(repeating: 0, count: 20_000_000))
        try #require(payload.readableBytes < 60_000)
        var decoder = compressingDecoder(limits: limits)
        #expect(decoder.decode(frame(0xC2, payload)) == Decoded(error: .messageTooBig))
        // Not the whole message is needed to see it.
        var early = compressingDecoder(limits: limits)
        let start = ByteBuffer(bytes: payload.readableBytesView.prefix(2_000))
        #expect(early.decode(frame(0x42, start)) == Decoded(error: .messageTooBig))
    }

    @Test("makes no more of a message than one byte above the limit")
    func bombIsNotUnpacked() throws {
        let payload = CompressingPeer(agreement()).compressed(ByteBuffer(repeating: 0, count: 20_000_000))
        let inflater = try #require(Inflater(windowBits: 15))
        var output = ByteBuffer()
        #expect(throws: WebSocketError(.messageTooBig)) {
            try payload.withUnsafeReadableBytes { try inflater.take($0, into: &output, limit: 70_000) }
        }
        #expect(output.readableBytes == 70_001)
        #expect(output.capacity <= 131_072)
    }

    @Test("takes a message that inflates to as much as allowed, and counts all its fragments")
    func largestAllowed() {
        let limits = WebSocketFrameLimits(maxMessageBytes: 10_000)
        let peer = CompressingPeer(agreement())
        let allowed = ByteBuffer(repeating: 7, count: 10_000)
        var decoder = compressingDecoder(limits: limits)
        #expect(decoder.decode(peer.message(.binary, allowed)) == Decoded(events: [.binary(allowed)]))
        let more = peer.message(.binary, ByteBuffer(repeating: 7, count: 10_001))
        #expect(decoder.decode(more) == Decoded(error: .messageTooBig))
    }

    @Test("takes what compression made longer, and refuses a compressed message without end")
    func longerCompressed() {
        var generator = SeededGenerator(seed: 5)
        let random = ByteBuffer(bytes: (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &generator) })
        let payload = CompressingPeer(agreement()).compressed(random)
        #expect(payload.readableBytes > 10_000)
        let limits = WebSocketFrameLimits(maxMessageBytes: 10_000)
        var decoder = compressingDecoder(limits: limits)
        #expect(decoder.decode(frame(0xC2, payload)) == Decoded(events: [.binary(random)]))
        // Empty blocks, which say nothing at all.
        var endless = compressingDecoder(limits: limits)
        let nothing = ByteBuffer(bytes: (0..<400).flatMap { _ in [0x00, 0x00, 0x00, 0xFF, 0xFF] as [UInt8] })
        var errors = endless.decode(frame(0x42, nothing)).error
        for _ in 0..<10 where errors == nil { errors = endless.decode(frame(0x00, nothing)).error }
        #expect(errors == .messageTooBig)
        #expect(limits.maxCompressedBytes == 12_274)
    }

    // MARK: - Streams

    @Test(
        "makes the same messages of a stream however it is cut",
        arguments: [
            agreement(), agreement(clientNoContextTakeover: true), agreement(clientMaxWindowBits: 9),
            agreement(clientNoContextTakeover: true, clientMaxWindowBits: 10),
        ])
    func streams(agreement: CompressionAgreement) {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<10 {
            let peer = CompressingPeer(agreement)
            var stream = ByteBuffer()
            var expected: [WebSocketEvent] = []
            for number in 0..<10 {
                let line = #"{"number":\#(number),"text":"문자 abc"}"#
                let payload = ByteBuffer(
                    string: String(repeating: line, count: Int.random(in: 1...300, using: &generator)))
                let isText = Bool.random(using: &generator)
                stream.writeImmutableBuffer(peer.message(isText ? .text : .binary, payload))
                expected.append(isText ? .text(payload) : .binary(payload))
            }
            var decoder = compressingDecoder(agreement)
            #expect(
                decoder.decode(pieces: stream.pieces(using: &generator, maxLength: 500)) == Decoded(events: expected))
        }
    }
}
