import NIOCore
import SocketIOProtocol
import Testing

@Suite("Packet decoder: attachments")
struct ReassemblyTests {
    private var decoder = SocketIOPacketDecoder()

    @Test("puts the attachments of the document's examples together")
    mutating func documentExamples() throws {
        #expect(try self.text(#"51-["baz",{"_placeholder":true,"num":0}]"#) == nil)
        let one = try #require(try self.binary([1, 2, 3, 4]))
        #expect(one.kind == .binaryEvent)
        #expect(one.attachments == [ByteBuffer(bytes: [1, 2, 3, 4])])

        let two = #"52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
        #expect(try self.text(two) == nil)
        #expect(try self.binary([1, 2]) == nil)
        let packet = try #require(try self.binary([3, 4]))
        #expect(packet.namespace == "/admin")
        var arguments = try EventArguments(packet)
        #expect(
            try arguments.remaining() == [.binary(ByteBuffer(bytes: [1, 2])), .binary(ByteBuffer(bytes: [3, 4]))])

        #expect(try self.text(#"61-15["bar",{"_placeholder":true,"num":0}]"#) == nil)
        let ack = try #require(try self.binary([9]))
        #expect(ack.kind == .binaryAck)
        #expect(ack.id == 15)
    }

    @Test("a binary packet without attachments is complete at once")
    mutating func none() throws {
        #expect(try self.text(#"50-["a"]"#)?.kind == .binaryEvent)
        #expect(try self.text(#"2["b"]"#)?.kind == .event)
    }

    @Test("attachments that no placeholder names are let pass")
    mutating func unused() throws {
        #expect(try self.text(#"51-["a"]"#) == nil)
        #expect(try self.binary([])?.attachments.count == 1)
    }

    @Test("text between attachments is refused, and the decoder starts anew")
    mutating func interrupted() throws {
        #expect(try self.text(#"51-["a",{"_placeholder":true,"num":0}]"#) == nil)
        #expect(self.code { try $0.decode(text: ByteBuffer(string: #"2["a"]"#)) } == .unexpectedText)
        #expect(try self.text(#"2["a"]"#)?.kind == .event)
    }

    @Test("an attachment without a packet is refused")
    mutating func unexpected() {
        #expect(self.code { try $0.decode(binary: ByteBuffer(string: "world")) } == .unexpectedBinary)
    }

    @Test(
        "refuses counts that are not plain numbers",
        arguments: ["5", "51", "5-", "5a-", "51.23-", "5-1-[\"a\"]", "5 1-[\"a\"]", "51/admin,[\"a\"]", "6-1[]"])
    func illegalCounts(_ text: String) {
        #expect(refusal(text) == .illegalAttachments)
    }

    @Test("refuses more attachments than allowed, however large the number")
    func tooMany() {
        #expect(refusal(#"510-["a"]"#) == nil)
        #expect(refusal(#"511-["a"]"#) == .tooManyAttachments)
        #expect(refusal(#"53-["a"]"#, limits: SocketIOLimits(maxAttachments: 2)) == .tooManyAttachments)
        #expect(refusal("5\(String(repeating: "9", count: 1000))-[\"a\"]") == .tooManyAttachments)
    }

    @Test(
        "refuses placeholders that stand for no attachment",
        arguments: [
            #"{"_placeholder":true,"num":"splice"}"#, #"{"_placeholder":true,"num":1}"#, #"{"_placeholder":true}"#,
            #"{"_placeholder":true,"num":-1}"#, #"{"_placeholder":true,"num":0.5}"#,
            #"{"_placeholder":true,"num":null}"#,
            #"{"_placeholder":true,"num":1e99}"#, #"{"_placeholder":true,"num":[0]}"#,
            #"{"\u005fplaceholder":true,"num":5}"#, #"{"num":0,"_placeholder":true,"num":7}"#,
            #"{"a":[{"b":{"_placeholder":true,"num":2}}]}"#,
        ])
    func illegalPlaceholders(_ placeholder: String) {
        #expect(refusal("51-[\"a\",\(placeholder)]") == .illegalAttachments)
    }

    @Test(
        "leaves objects alone that only resemble placeholders",
        arguments: [
            #"{"_placeholder":false,"num":9}"#, #"{"_placeholder":1,"num":9}"#, #"{"_placeholder":"true"}"#,
            #"{"num":9}"#, #"{"_placeholder":true,"num":9,"_placeholder":null}"#,
        ])
    func resembling(_ object: String) {
        #expect(refusal("51-[\"a\",\(object)]") == nil)
    }

    @Test("an object in a packet without attachments is never a placeholder")
    func textPacket() throws {
        let object = #"{"_placeholder":true,"num":0}"#
        let value = try decodeJSON(SocketIOValue.self, object)
        #expect(value == ["_placeholder": true, "num": 0])
        #expect(throws: DecodingError.self) { try decodeJSON(ByteBuffer.self, object) }
        #expect(refusal("50-[\"a\",\(object)]") == .illegalAttachments)
    }

    @Test("attachments count towards the size of the packet")
    mutating func size() throws {
        let text = #"52-["a",{"_placeholder":true,"num":0}]"#
        self.decoder = SocketIOPacketDecoder(limits: SocketIOLimits(maxPacketBytes: text.utf8.count + 10))
        #expect(try self.text(text) == nil)
        #expect(try self.binary([UInt8](repeating: 0, count: 5)) == nil)
        #expect(self.code { try $0.decode(binary: ByteBuffer(repeating: 0, count: 6)) } == .limitExceeded)
        #expect(self.code { try $0.decode(binary: ByteBuffer()) } == .unexpectedBinary)
    }

    private mutating func text(_ text: String) throws(SocketIOParseError) -> SocketIOPacket? {
        try self.decoder.decode(text: ByteBuffer(string: text))
    }

    private mutating func binary(_ bytes: [UInt8]) throws(SocketIOParseError) -> SocketIOPacket? {
        try self.decoder.decode(binary: ByteBuffer(bytes: bytes))
    }

    private mutating func code(
        _ body: (inout SocketIOPacketDecoder) throws -> SocketIOPacket?
    ) -> SocketIOParseError.Code? {
        do {
            _ = try body(&self.decoder)
            return nil
        } catch {
            return (error as? SocketIOParseError)?.code
        }
    }
}
