import NIOCore
import SocketIOProtocol
import Testing

@Suite("Packet decoder")
struct PacketDecoderTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let text: String
        let kind: SocketIOPacket.Kind
        var namespace = "/"
        var id: UInt64?
        var payload: String?
        var testDescription: String { self.text }
    }

    @Test(
        "decodes the examples of the protocol document",
        arguments: [
            Example(text: "0", kind: .connect),
            Example(
                text: #"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#, kind: .connect, namespace: "/admin",
                payload: #"{"sid":"oSO0OpakMV_3jnilAAAA"}"#),
            Example(
                text: #"4{"message":"Not authorized"}"#, kind: .connectError, payload: #"{"message":"Not authorized"}"#),
            Example(text: #"2["foo"]"#, kind: .event, payload: #"["foo"]"#),
            Example(text: #"2/admin,["bar"]"#, kind: .event, namespace: "/admin", payload: #"["bar"]"#),
            Example(text: #"212["foo"]"#, kind: .event, id: 12, payload: #"["foo"]"#),
            Example(text: #"3/admin,13["bar"]"#, kind: .ack, namespace: "/admin", id: 13, payload: #"["bar"]"#),
            Example(text: "1", kind: .disconnect),
            Example(text: "1/admin,", kind: .disconnect, namespace: "/admin"),
            Example(text: #"2/admin,1["tellme"]"#, kind: .event, namespace: "/admin", id: 1, payload: #"["tellme"]"#),
        ])
    func documentExamples(_ example: Example) throws {
        let packet = try #require(try decodePacket(example.text))
        #expect(packet.kind == example.kind)
        #expect(packet.namespace == example.namespace)
        #expect(packet.id == example.id)
        #expect(packet.payload.map { String(buffer: $0) } == example.payload)
        #expect(packet.attachments.isEmpty)
    }

    @Test(
        "decodes what the reference accepts at the edges",
        arguments: [
            Example(text: "1/admin", kind: .disconnect, namespace: "/admin"),
            Example(text: "0/admin", kind: .connect, namespace: "/admin"),
            Example(text: "30[]", kind: .ack, id: 0, payload: "[]"),
            Example(text: #"4"no""#, kind: .connectError, payload: #""no""#),
            Example(text: "2[7,true]", kind: .event, payload: "[7,true]"),
            Example(text: #"2 [ "a" ] "#, kind: .event, payload: #" [ "a" ] "#),
            Example(text: #"2/방,["a"]"#, kind: .event, namespace: "/방", payload: #"["a"]"#),
            Example(
                text: #"218446744073709551615["a"]"#, kind: .event, id: .max, payload: #"["a"]"#),
        ])
    func edges(_ example: Example) throws {
        try self.documentExamples(example)
    }

    @Test("a namespace keeps its query, which can be taken off for old clients")
    func namespaceQuery() throws {
        let packet = try #require(try decodePacket("0/admin?token=1,"))
        #expect(packet.namespace == "/admin?token=1")
        #expect(packet.namespaceComponents.path == "/admin")
        #expect(packet.namespaceComponents.query == "token=1")
        #expect(try decodePacket("0/admin,")?.namespaceComponents.query == nil)
    }

    @Test("refuses unknown packet types", arguments: ["", "7", "999", "a", " 2[\"a\"]", "\u{0}", "가"])
    func unknownTypes(_ text: String) {
        #expect(refusal(text) == .unknownType)
    }

    @Test(
        "refuses payloads of the wrong shape",
        arguments: [
            #"0/admin,"invalid""#, "0[]", "0null", "1/admin,{}", "1{}", "2/admin,{}", #"2[{"toString":"foo"}]"#,
            #"2[true,"foo"]"#, #"2[null,"bar"]"#, "2[]", "2", "212", "2/admin,", #"30{"a":1}"#, #"30"a""#, "30", "4",
            "4[]", "42", "4null", "50-", #"50-{}"#, "60-1",
        ])
    func wrongShapes(_ text: String) {
        #expect(refusal(text) == .invalidPayload)
    }

    @Test(
        "refuses payloads that are not JSON",
        arguments: [
            #"442["some","data""#, #"2/admin,"invalid"#, #"2["a"]]"#, #"2["a",]"#, #"2['a']"#, "2[", "2-[\"a\"]",
            #"2["a"]2["b"]"#, "0/admin,{", "30[undefined]", "2\u{FEFF}[\"a\"]",
        ])
    func notJSON(_ text: String) {
        #expect(refusal(text) == .invalidJSON)
    }

    @Test(
        "refuses events with a reserved name, written with escapes or not",
        arguments: [
            "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
            #"\u0063onnect"#, #"disconn\u0065ct"#,
        ])
    func reservedNames(_ name: String) {
        #expect(refusal("2[\"\(name)\"]") == .invalidPayload)
        #expect(refusal("2[ \"\(name)\",1]") == .invalidPayload)
        #expect(refusal("51-[\"\(name)\"]") == .invalidPayload)
        #expect(refusal("30[\"\(name)\"]") == nil)
    }

    @Test(
        "accepts names that only resemble reserved ones", arguments: ["connects", "Connect", "message", "connec", ""])
    func similarNames(_ name: String) {
        #expect(refusal("2[\"\(name)\"]") == nil)
    }

    @Test("refuses ids that are missing or do not fit", arguments: ["3[]", "60-[]", #"218446744073709551616["a"]"#])
    func illegalIDs(_ text: String) {
        #expect(refusal(text) == .illegalID)
    }

    @Test("refuses bytes that are not UTF-8, in the namespace and in strings")
    func invalidUTF8() {
        #expect(refusal(Array("2/".utf8) + [0xFF] + Array(",[\"a\"]".utf8)) == .illegalNamespace)
        #expect(refusal(Array("2[\"".utf8) + [0xC0, 0x80] + Array("\"]".utf8)) == .invalidJSON)
    }

    @Test("keeps to the limits of size, depth and namespace")
    func limits() {
        let limits = SocketIOLimits(maxDepth: 3, maxPacketBytes: 40, maxNamespaceBytes: 6)
        #expect(refusal(#"2["a",[[1]]]"#, limits: limits) == nil)
        #expect(refusal(#"2["a",[[[1]]]]"#, limits: limits) == .limitExceeded)
        #expect(refusal(#"2/12345,["a"]"#, limits: limits) == nil)
        #expect(refusal(#"2/123456,["a"]"#, limits: limits) == .limitExceeded)
        #expect(refusal("2[\"\(String(repeating: "a", count: 35))\"]", limits: limits) == nil)
        #expect(refusal("2[\"\(String(repeating: "a", count: 36))\"]", limits: limits) == .limitExceeded)
    }

    @Test("a depth of a million costs an error", arguments: ["[", "{\"a\":", "[{\"a\":"])
    func depthBombs(_ opening: String) {
        let bomb = "2[\"a\"," + String(repeating: opening, count: 100_000)
        #expect(refusal(bomb) == .limitExceeded)
        #expect(refusal(bomb, limits: SocketIOLimits(maxDepth: .max)) == .limitExceeded)
    }

    @Test("errors say where")
    func offsets() {
        let error = #expect(throws: SocketIOParseError.self) { try decodePacket(#"2["a",tru]"#) }
        #expect(error?.offset == 9)
        #expect(error?.description.contains("at byte 9") == true)
    }
}
