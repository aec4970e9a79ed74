import EngineIOProtocol
import NIOCore
import Testing

@Suite("Engine.IO packets")
struct EnginePacketTests {
    private func code(of body: () throws(EngineParseError) -> Void) -> EngineParseError.Code? {
        do throws(EngineParseError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    private func text(_ packet: EnginePacket) -> String {
        var buffer = ByteBuffer()
        packet.write(into: &buffer)
        return String(buffer: buffer)
    }

    @Test(
        "reads and writes each type",
        arguments: zip(
            [EnginePacket.Kind.open, .close, .ping, .pong, .message, .upgrade, .noop],
            ["0{}", "1", "2probe", "3probe", "4hello", "5", "6"]))
    func kinds(kind: EnginePacket.Kind, frame: String) throws {
        let packet = try EnginePacket(text: ByteBuffer(string: frame))
        #expect(packet == EnginePacket(kind, ByteBuffer(string: String(frame.dropFirst()))))
        #expect(!packet.isBinary)
        #expect(text(packet) == frame)
    }

    @Test("sends a binary message as it is")
    func binary() {
        let packet = EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3, 4]))
        var buffer = ByteBuffer()
        packet.write(into: &buffer)
        #expect(buffer == ByteBuffer(bytes: [1, 2, 3, 4]))
        #expect(packet.isBinary && packet.kind == .message)
    }

    @Test("decodes base64 in a text frame")
    func base64InTextFrame() throws {
        let packet = try EnginePacket(text: ByteBuffer(string: "bAQIDBA=="))
        #expect(packet == EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3, 4])))
    }

    @Test("hands out the body as a slice of the frame")
    func slice() throws {
        let frame = ByteBuffer(string: "4hello")
        guard case .text(let body) = try EnginePacket(text: frame).body else {
            Issue.record("text was expected")
            return
        }
        let address = frame.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(body.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == address + 1)
    }

    @Test("refuses an empty frame, unknown types and wrong base64")
    func errors() {
        #expect(code { () throws(EngineParseError) in _ = try EnginePacket(text: ByteBuffer()) } == .emptyPacket)
        for frame in ["7", "/", "a", "B", "\u{1e}", "한"] {
            let found = code { () throws(EngineParseError) in _ = try EnginePacket(text: ByteBuffer(string: frame)) }
            #expect(found == .unknownPacketType)
        }
        let found = code { () throws(EngineParseError) in _ = try EnginePacket(text: ByteBuffer(string: "b!")) }
        #expect(found == .invalidBase64)
    }
}
