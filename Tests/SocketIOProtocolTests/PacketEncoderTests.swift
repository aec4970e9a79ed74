import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("Packet encoder")
struct PacketEncoderTests {
    private var buffer = ByteBuffer()
    private var text: String { String(buffer: self.buffer) }

    @Test("writes events as the document shows them")
    mutating func events() throws {
        #expect(try SocketIOPacketEncoder.encodeEvent("foo", into: &self.buffer).isEmpty)
        #expect(self.take() == #"2["foo"]"#)
        _ = try SocketIOPacketEncoder.encodeEvent("bar", namespace: "/admin", into: &self.buffer)
        #expect(self.take() == #"2/admin,["bar"]"#)
        _ = try SocketIOPacketEncoder.encodeEvent("foo", 1, "two", [3.5], nil as Int?, true, id: 12, into: &self.buffer)
        #expect(self.take() == #"212["foo",1,"two",[3.5],null,true]"#)
    }

    @Test("writes acknowledgements as the document shows them")
    mutating func acks() throws {
        _ = try SocketIOPacketEncoder.encodeAck(id: 13, "bar", namespace: "/admin", into: &self.buffer)
        #expect(self.take() == #"3/admin,13["bar"]"#)
        _ = try SocketIOPacketEncoder.encodeAck(id: 0, into: &self.buffer)
        #expect(self.take() == "30[]")
    }

    @Test("writes connections, refusals and departures")
    mutating func control() throws {
        SocketIOPacketEncoder.encodeConnect(into: &self.buffer)
        #expect(self.take() == "0")
        SocketIOPacketEncoder.encodeConnect(namespace: "/admin", into: &self.buffer)
        #expect(self.take() == "0/admin,")
        SocketIOPacketEncoder.encodeConnect(namespace: "/admin", sid: "a\"b", into: &self.buffer)
        #expect(self.take() == #"0/admin,{"sid":"a\"b"}"#)
        SocketIOPacketEncoder.encodeConnect(sid: "s", pid: "p", into: &self.buffer)
        #expect(self.take() == #"0{"sid":"s","pid":"p"}"#)
        try SocketIOPacketEncoder.encodeConnect(payload: ["token": "123"], into: &self.buffer)
        #expect(self.take() == #"0{"token":"123"}"#)
        SocketIOPacketEncoder.encodeConnectError(message: "Not authorized", into: &self.buffer)
        #expect(self.take() == #"4{"message":"Not authorized"}"#)
        try SocketIOPacketEncoder.encodeConnectError(
            namespace: "/a", message: "no", data: ["code": 4], into: &self.buffer)
        #expect(self.take() == #"4/a,{"message":"no","data":{"code":4}}"#)
        SocketIOPacketEncoder.encodeDisconnect(namespace: "/admin", into: &self.buffer)
        #expect(self.take() == "1/admin,")
        SocketIOPacketEncoder.encodeDisconnect(into: &self.buffer)
        #expect(self.take() == "1")
    }

    struct Photo: Codable, Equatable {
        var name: String
        var versions: [String: Data]
        var thumbnail: Data?
    }

    @Test("binary values become attachments at any depth, and come back")
    mutating func binary() throws {
        let photo = Photo(name: "가", versions: ["raw": Data([1, 2]), "jpeg": Data([3])], thumbnail: Data())
        let buffer = ByteBuffer(string: "direct")
        let value: SocketIOValue = ["deep": [.binary(ByteBuffer(string: "value"))]]
        let attachments = try SocketIOPacketEncoder.encodeEvent("p", photo, buffer, value, id: 7, into: &self.buffer)
        #expect(attachments.count == 5)
        #expect(self.text.hasPrefix(#"55-7["p",{"name":"가","#))

        var decoder = SocketIOPacketDecoder()
        var packet = try decoder.decode(text: self.buffer)
        for attachment in attachments {
            #expect(packet == nil)
            packet = try decoder.decode(binary: attachment)
        }
        let arguments = try EventArguments(try #require(packet))
        let decoded = try arguments.decode(Photo.self, ByteBuffer.self, SocketIOValue.self)
        #expect(decoded.0 == photo)
        #expect(decoded.1 == buffer)
        #expect(decoded.2 == value)
    }

    @Test("writes the binary examples of the document")
    mutating func binaryExamples() throws {
        var attachments = try SocketIOPacketEncoder.encodeEvent("baz", Data([1, 2, 3, 4]), into: &self.buffer)
        #expect(self.take() == #"51-["baz",{"_placeholder":true,"num":0}]"#)
        #expect(attachments == [ByteBuffer(bytes: [1, 2, 3, 4])])
        attachments = try SocketIOPacketEncoder.encodeEvent(
            "baz", Data([1, 2]), Data([3, 4]), namespace: "/admin", into: &self.buffer)
        #expect(self.take() == #"52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#)
        attachments = try SocketIOPacketEncoder.encodeAck(id: 15, "bar", Data([1]), into: &self.buffer)
        #expect(self.take() == #"61-15["bar",{"_placeholder":true,"num":0}]"#)
        #expect(attachments.count == 1)
    }

    @Test("arguments known at run time only are written alike")
    mutating func dynamicArguments() throws {
        let arguments: [any Encodable & Sendable] = [1, "two", [3], Data([4]), ["five": 6]]
        var attachments = try SocketIOPacketEncoder.encodeEvent("a", arguments: arguments, into: &self.buffer)
        #expect(self.take() == #"51-["a",1,"two",[3],{"_placeholder":true,"num":0},{"five":6}]"#)
        #expect(attachments.count == 1)
        let values: [SocketIOValue] = [1, .binary(ByteBuffer())]
        attachments = try SocketIOPacketEncoder.encodeAck(id: 2, arguments: values, namespace: "/x", into: &self.buffer)
        #expect(self.take() == #"61-/x,2[1,{"_placeholder":true,"num":0}]"#)
        #expect(attachments.count == 1)
    }

    @Test("appends to what the buffer holds, binary packets included")
    mutating func appending() throws {
        self.buffer.writeString("4")
        _ = try SocketIOPacketEncoder.encodeEvent("a", Data([1]), into: &self.buffer)
        #expect(self.text == #"451-["a",{"_placeholder":true,"num":0}]"#)
    }

    struct Unwilling: Encodable {
        struct Refusal: Error {}
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode("written", forKey: .a)
            throw Refusal()
        }
        enum Key: CodingKey { case a }
    }

    @Test("after an error the buffer is what it was")
    mutating func errors() throws {
        self.buffer.writeString("before")
        #expect(throws: EncodingError.self) {
            try SocketIOPacketEncoder.encodeEvent("a", "x", [1, .nan], into: &self.buffer)
        }
        #expect(throws: Unwilling.Refusal.self) {
            try SocketIOPacketEncoder.encodeEvent("a", Data([1]), Unwilling(), into: &self.buffer)
        }
        #expect(throws: Unwilling.Refusal.self) {
            try SocketIOPacketEncoder.encodeAck(id: 1, arguments: [1, ["a": Unwilling()]], into: &self.buffer)
        }
        #expect(throws: Unwilling.Refusal.self) {
            try SocketIOPacketEncoder.encodeConnectError(message: "a", data: Unwilling(), into: &self.buffer)
        }
        #expect(self.text == "before")
        self.buffer.writeString(" and after")
        #expect(self.text == "before and after")
    }

    @Test("refuses to send what a peer would close the connection for", arguments: ReservedEvent.allCases)
    mutating func reserved(_ event: ReservedEvent) {
        #expect(throws: EncodingError.self) {
            try SocketIOPacketEncoder.encodeEvent(event.rawValue, into: &self.buffer)
        }
        #expect(self.text.isEmpty)
    }

    @Test("the payload of a connection is an object without binary values")
    mutating func connectPayload() {
        #expect(throws: EncodingError.self) {
            try SocketIOPacketEncoder.encodeConnect(payload: [1], into: &self.buffer)
        }
        #expect(throws: EncodingError.self) {
            try SocketIOPacketEncoder.encodeConnect(payload: ["a": Data([1])], into: &self.buffer)
        }
        #expect(self.text.isEmpty)
    }

    private mutating func take() -> String {
        defer { self.buffer.clear() }
        return self.text
    }
}
