import NIOCore
import TestSupport
import Testing

@testable import JunctionWebSocket

@Suite("WebSocket frame streams")
struct FrameStreamTests {
    /// A random flawless stream and the events it stands for.
    private struct Stream {
        var bytes = ByteBuffer()
        var events: [WebSocketEvent] = []

        init(using generator: inout SeededGenerator, masked: Bool) {
            let alphabet = Array("abc 123 äöü 한국어 😀")
            for _ in 0..<12 {
                let length = [3, 20, 130, 1000].randomElement(using: &generator) ?? 0
                let text = (0..<length).compactMap { _ in alphabet.randomElement(using: &generator) }
                let payload = ByteBuffer(string: String(text))
                let isText = Bool.random(using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    write(.ping, ByteBuffer(string: "ping"), masked, &generator)
                    events.append(.ping(ByteBuffer(string: "ping")))
                case 1:
                    writeFragments(of: payload, isText ? .text : .binary, masked, &generator)
                    events.append(isText ? .text(payload) : .binary(payload))
                default:
                    write(isText ? .text : .binary, payload, masked, &generator)
                    events.append(isText ? .text(payload) : .binary(payload))
                }
            }
            WebSocketFrameEncoder.writeClose(.normal, reason: "done", maskingKey: masked ? 1 : nil, into: &bytes)
            events.append(.close(code: .normal, reason: "done"))
        }

        private mutating func write(
            _ opcode: WebSocketOpcode, _ payload: ByteBuffer, _ masked: Bool, isFinal: Bool = true,
            _ generator: inout SeededGenerator
        ) {
            let key = masked ? UInt32.random(in: 0...UInt32.max, using: &generator) : nil
            WebSocketFrameEncoder.write(opcode, payload, maskingKey: key, isFinal: isFinal, into: &bytes)
        }

        /// Fragments with pongs between them.
        private mutating func writeFragments(
            of payload: ByteBuffer, _ opcode: WebSocketOpcode, _ masked: Bool, _ generator: inout SeededGenerator
        ) {
            let fragments = payload.pieces(using: &generator, maxLength: payload.readableBytes / 2 + 1)
            for (index, fragment) in fragments.enumerated() {
                if index > 0 {
                    write(.pong, ByteBuffer(), masked, &generator)
                    events.append(.pong(ByteBuffer()))
                }
                let isFinal = index == fragments.count - 1
                write(index == 0 ? opcode : .continuation, fragment, masked, isFinal: isFinal, &generator)
            }
        }
    }

    @Test("gives the same events however the stream is cut", arguments: [true, false])
    func anyCut(masked: Bool) throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<15 {
            let stream = Stream(using: &generator, masked: masked)
            for maxLength in [1, 2, 7, 100, 5000, stream.bytes.readableBytes] {
                let pieces = stream.bytes.pieces(using: &generator, maxLength: maxLength)
                let decoder = WebSocketFrameDecoder(role: masked ? .server : .client)
                var (eager, lazy) = (decoder, decoder)
                let decoded = eager.decode(pieces: pieces)
                #expect(decoded == Decoded(events: stream.events))
                // Bytes may also pile up before the events are taken.
                var events: [WebSocketEvent] = []
                for piece in pieces {
                    lazy.append(piece)
                    if Int.random(in: 0..<3, using: &generator) == 0, let event = try lazy.next() {
                        events.append(event)
                    }
                }
                while let event = try lazy.next() { events.append(event) }
                #expect(events == stream.events)
            }
        }
    }

    @Test("judges a damaged stream alike however it is cut, and never traps")
    func mutations() {
        var generator = SeededGenerator(seed: 2)
        for round in 0..<60 {
            var bytes = Stream(using: &generator, masked: round % 2 == 0).bytes
            for _ in 0..<Int.random(in: 1...5, using: &generator) {
                let index = Int.random(in: 0..<bytes.readableBytes, using: &generator)
                bytes.setInteger(UInt8.random(in: 0...255, using: &generator), at: index)
            }
            let decoder = WebSocketFrameDecoder(role: round % 2 == 0 ? .server : .client)
            var (whole, cut) = (decoder, decoder)
            let expected = whole.decode(bytes)
            let decoded = cut.decode(pieces: bytes.pieces(using: &generator, maxLength: 50))
            #expect(decoded == expected)
        }
    }

    @Test("never traps on noise")
    func noise() {
        var generator = SeededGenerator(seed: 3)
        for round in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            var decoder = WebSocketFrameDecoder(
                role: round % 2 == 0 ? .server : .client, limits: .init(maxMessageBytes: 20, maxFragments: 2))
            _ = decoder.decode(pieces: ByteBuffer(bytes: bytes).pieces(using: &generator, maxLength: 10))
        }
    }

    @Test("gathers a large message from many reads")
    func largeMessage() {
        let payload = ByteBuffer(bytes: (0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        var decoder = WebSocketFrameDecoder(role: .server)
        var rest = frame(0x82, payload)
        var events: [WebSocketEvent] = []
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(1000, rest.readableBytes)) {
            events += decoder.decode(piece).events
        }
        #expect(events == [.binary(payload)])
    }
}
