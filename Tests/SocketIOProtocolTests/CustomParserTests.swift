import NIOCore
import SocketIOProtocol
import Testing

@Suite("A parser of the program's own")
struct CustomParserTests {
    /// The decoder returns what it was made with, whatever comes.
    struct Fixed: CustomParser {
        struct Refusal: Error {}

        struct Decoder: CustomPacketDecoder {
            let packet: NeutralPacket?
            mutating func decode(_ message: SocketIOMessage) throws -> NeutralPacket? {
                if case .text(let text) = message, text.readableBytes == 0 { throw Refusal() }
                return self.packet
            }
        }

        var packet: NeutralPacket?

        func encode(_ packet: NeutralPacket) throws -> [SocketIOMessage] {
            let id = packet.id.map { "\($0)" } ?? "-"
            var messages = [SocketIOMessage.text(ByteBuffer(string: "\(packet.kind) \(packet.namespace) \(id)"))]
            if let data = packet.data { messages.append(.text(ByteBuffer(string: data.description))) }
            return messages
        }

        func makeDecoder(limits: SocketIOLimits) -> any CustomPacketDecoder { Decoder(packet: self.packet) }
    }

    private func written(_ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket) throws -> [String] {
        var buffer = ByteBuffer()
        guard case .messages(let messages) = try encode(.custom(Fixed()), &buffer) else { return ["no messages"] }
        #expect(buffer.readableBytes == 0)
        return messages.map { message in
            switch message {
            case .text(let text): String(buffer: text)
            case .binary(let bytes): "\(bytes)"
            }
        }
    }

    private struct Point: Encodable {
        let x = 1
        let bytes = ByteBuffer(bytes: [7])
    }

    @Test("gets every kind of packet with its arguments as dynamic values")
    func encoding() throws {
        #expect(
            try written { try $0.encodeEvent("a", 1, Point(), namespace: "/", into: &$1) } == [
                "event / -", #"["a",1,{"x":1,"bytes":{"_placeholder":true,"num":0}}]"#,
            ])
        #expect(
            try written { try $0.encodeEvent("a", arguments: ["b"], namespace: "/n", id: 7, into: &$1) } == [
                "event /n 7", #"["a","b"]"#,
            ])
        #expect(try written { try $0.encodeAck(id: 7, true, namespace: "/", into: &$1) } == ["ack / 7", "[true]"])
        #expect(try written { try $0.encodeAck(id: 7, arguments: [], namespace: "/", into: &$1) } == ["ack / 7", "[]"])
        #expect(
            try written { try $0.encodeConnect(namespace: "/", sid: "s", pid: "p", into: &$1) } == [
                "connect / -", #"{"sid":"s","pid":"p"}"#,
            ])
        #expect(
            try written { try $0.encodeConnectError(namespace: "/", message: "m", data: 1, into: &$1) } == [
                "connectError / -", #"{"message":"m","data":1}"#,
            ])
        #expect(try written { try $0.encodeDisconnect(namespace: "/", into: &$1) } == ["disconnect / -"])
        #expect(throws: EncodingError.self) {
            try written { try $0.encodeEvent("connect", namespace: "/", into: &$1) }
        }
        #expect(throws: EncodingError.self) {
            try written { try $0.encodeEvent("a", Double.nan, namespace: "/", into: &$1) }
        }
    }

    private func decoded(_ packet: NeutralPacket?) throws -> SocketIOPacket? {
        var decoder = SocketIOPacketDecoder(parser: .custom(Fixed(packet: packet)))
        return try decoder.decode(text: ByteBuffer(string: "x"))
    }

    @Test("what its decoder returns is read as any other packet, binary values and lookalikes included")
    func decoding() throws {
        let lookalike: SocketIOValue = ["_placeholder": true, "num": 0]
        let data: SocketIOValue = ["a", .binary(ByteBuffer(bytes: [7])), lookalike, 1.5]
        let packet = try #require(try self.decoded(NeutralPacket(kind: .binaryEvent, id: 3, data: data)))
        #expect(packet.kind == .event && packet.id == 3 && packet.namespace == "/")
        var arguments = try EventArguments(packet)
        #expect(arguments.event == "a")
        #expect(try arguments.next(ByteBuffer.self) == ByteBuffer(bytes: [7]))
        #expect(try arguments.next(SocketIOValue.self) == lookalike)
        #expect(try arguments.next(Double.self) == 1.5)
        #expect(try self.decoded(nil) == nil)
        #expect(try self.decoded(NeutralPacket(kind: .connect))?.payload == nil)
    }

    @Test("packets of another shape, and what it throws, are parse errors")
    func refusals() throws {
        func code(_ packet: NeutralPacket) -> SocketIOParseError.Code? {
            do {
                _ = try self.decoded(packet)
                return nil
            } catch {
                return (error as? SocketIOParseError)?.code
            }
        }
        #expect(code(NeutralPacket(kind: .event)) == .invalidPayload)
        #expect(code(NeutralPacket(kind: .event, data: ["connect"])) == .invalidPayload)
        #expect(code(NeutralPacket(kind: .ack, data: [])) == .illegalID)
        #expect(code(NeutralPacket(kind: .disconnect, data: [])) == .invalidPayload)
        let long = String(repeating: "/", count: 513)
        #expect(code(NeutralPacket(kind: .connect, namespace: long)) == .limitExceeded)
        var deep: SocketIOValue = ["a"]
        for _ in 0..<64 { deep = [deep] }
        #expect(code(NeutralPacket(kind: .ack, id: 0, data: deep)) == .limitExceeded)
        var decoder = SocketIOPacketDecoder(parser: .custom(Fixed()))
        let error = #expect(throws: SocketIOParseError.self) { try decoder.decode(text: ByteBuffer()) }
        #expect(error?.code == .refusedByParser)
    }
}
