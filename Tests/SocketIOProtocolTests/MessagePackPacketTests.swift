import NIOCore
import SocketIOProtocol
import Testing

@Suite("Packets in MessagePack")
struct MessagePackPacketTests {
    private func written(_ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket) throws -> String {
        var buffer = ByteBuffer(string: "before")
        guard case .binary = try encode(.messagePack, &buffer) else { return "not one binary message" }
        #expect(buffer.readString(length: 6) == "before")
        return hex(buffer.readableBytesView)
    }

    /// Members of the map, by their hexadecimal digits.
    private enum Member {
        static let type = "a474797065"
        static let root = "a36e7370a12f"
        static let admin = "a36e7370a62f61646d696e"
        static let id = "a26964"
        static let data = "a464617461"
    }

    @Test("an event, an acknowledgement and what connects are maps as the published parser reads them")
    func bytes() throws {
        #expect(
            try written { try $0.encodeEvent("a", 1, "b", namespace: "/", into: &$1) }
                == "83\(Member.type)02\(Member.data)93a16101a162\(Member.root)")
        #expect(
            try written { try $0.encodeEvent("a", namespace: "/admin", id: 200, into: &$1) }
                == "84\(Member.type)02\(Member.data)91a161\(Member.id)ccc8\(Member.admin)")
        #expect(
            try written { try $0.encodeEvent("a", arguments: [ByteBuffer(bytes: [7])], namespace: "/", into: &$1) }
                == "83\(Member.type)02\(Member.data)92a161c40107\(Member.root)")
        #expect(
            try written { try $0.encodeAck(id: 1, true, namespace: "/", into: &$1) }
                == "84\(Member.id)01\(Member.type)03\(Member.data)91c3\(Member.root)")
        #expect(
            try written { try $0.encodeAck(id: 1, arguments: [], namespace: "/", into: &$1) }
                == "84\(Member.id)01\(Member.type)03\(Member.data)90\(Member.root)")
        #expect(
            try written { try $0.encodeConnect(namespace: "/", sid: "s", into: &$1) }
                == "83\(Member.type)00\(Member.data)81a3736964a173\(Member.root)")
        #expect(
            try written { try $0.encodeConnect(namespace: "/", sid: "s", pid: "p", into: &$1) }
                == "83\(Member.type)00\(Member.data)82a3736964a173a3706964a170\(Member.root)")
        #expect(
            try written { try $0.encodeConnectError(namespace: "/", message: "m", data: [1], into: &$1) }
                == "83\(Member.type)04\(Member.data)82a76d657373616765a16da4646174619101\(Member.root)")
        #expect(
            try written { try $0.encodeDisconnect(namespace: "/admin", into: &$1) }
                == "82\(Member.type)01\(Member.admin)")
    }

    @Test("what cannot be encoded leaves the buffer as it was")
    func failures() throws {
        var buffer = ByteBuffer(string: "before")
        for name in ReservedEvent.allCases {
            #expect(throws: EncodingError.self) {
                try SocketIOParser.messagePack.encodeEvent(name.rawValue, namespace: "/", into: &buffer)
            }
        }
        let error = #expect(throws: EncodingError.self) {
            try SocketIOParser.messagePack.encodeEvent("a", 1, [UInt128.max], namespace: "/", into: &buffer)
        }
        if case .invalidValue(_, let context)? = error {
            #expect(context.codingPath.map(\.stringValue) == ["Index 1", "Index 0"])
        }
        #expect(throws: EncodingError.self) {
            try SocketIOParser.messagePack.encodeAck(
                id: 0, arguments: [UInt128.max], namespace: "/", into: &buffer)
        }
        #expect(buffer == ByteBuffer(string: "before"))
    }

    @Test("a client's packets are read, in any order of their members, with more of them and with undefined ones")
    func decoding() throws {
        // {type: 2, data: ["a", 1], options: {compress: true}, id: 7, nsp: "/"}, as the JavaScript client sends it
        let event = try #require(
            try decodePacked(
                hex(
                    "85 \(Member.type)02 \(Member.data)92a16101 a76f7074696f6e7381a8636f6d7072657373c3 \(Member.id)07"
                        + Member.root)))
        #expect(event.kind == .event && event.namespace == "/" && event.id == 7 && event.format == .messagePack)
        var arguments = try EventArguments(event)
        #expect(arguments.event == "a")
        #expect(try arguments.next(Int.self) == 1)
        let connect = try #require(
            try decodePacked(hex("84 \(Member.type)00 \(Member.data)d40000 \(Member.id)d40000 \(Member.admin)")))
        #expect(
            connect.kind == .connect && connect.namespace == "/admin" && connect.payload == nil && connect.id == nil)
        let auth = try #require(
            try decodePacked(hex("83 \(Member.type)00 \(Member.data)81a5746f6b656ea173 \(Member.root)")))
        #expect(try auth.decodePayload([String: String].self) == ["token": "s"])
        // Python's clients have nil in it, JavaScript's the type as a double where somebody computed it.
        #expect(try decodePacked(hex("83 \(Member.type)01 \(Member.data)c0 \(Member.root)"))?.kind == .disconnect)
        #expect(
            try decodePacked(
                hex("83 \(Member.type)cb4000000000000000 \(Member.data)91cb3ff8000000000000 \(Member.root)")
            )
            .flatMap { try EventArguments($0).event } == "1.5")
    }

    @Test("packets of another shape are refused")
    func refusals() throws {
        func refusal(_ type: String, _ rest: String, count: Int = 3) -> SocketIOParseError.Code? {
            packedRefusal(hex("8\(count) \(Member.type)\(type) \(rest)"))
        }
        let (root, data, id) = (Member.root, Member.data, Member.id)
        for type in ["05", "06", "ff", "c0", "a132", "cb3fe0000000000000"] {
            #expect(refusal(type, "\(root)\(data)91a161") == .unknownType, "\(type)")
        }
        #expect(packedRefusal(hex("82 \(root)\(data)91a161")) == .unknownType)
        #expect(refusal("02", "\(data)91a161", count: 2) == .illegalNamespace)
        for namespace in ["c0", "00", "90", "c40161"] {
            #expect(refusal("02", "a36e7370\(namespace)\(data)91a161") == .illegalNamespace, "\(namespace)")
        }
        for payload in ["c0", "d40000", "90", "80", "a161", "91c0", "9190", "91c40161", "91a7636f6e6e656374"] {
            #expect(refusal("02", "\(root)\(data)\(payload)") == .invalidPayload, "\(payload)")
        }
        #expect(refusal("02", root, count: 2) == .invalidPayload)
        for payload in ["90", "a161", "07"] { #expect(refusal("00", "\(root)\(data)\(payload)") == .invalidPayload) }
        for payload in ["80", "90", "a161"] { #expect(refusal("01", "\(root)\(data)\(payload)") == .invalidPayload) }
        for payload in ["c0", "90", "07"] { #expect(refusal("04", "\(root)\(data)\(payload)") == .invalidPayload) }
        #expect(refusal("04", "\(root)\(data)a161") == nil)
        for value in ["ff", "c0", "a131", "cb3fe0000000000000"] {
            #expect(refusal("02", "\(root)\(data)91a161\(id)\(value)", count: 4) == .illegalID, "\(value)")
        }
        #expect(refusal("03", "\(root)\(data)90") == .illegalID)
        #expect(refusal("03", "\(root)\(data)90\(id)d40000", count: 4) == .illegalID)
        #expect(packedRefusal(hex("92 02 a161")) == .invalidPayload)
        var decoder = SocketIOPacketDecoder(parser: .messagePack)
        let error = #expect(throws: SocketIOParseError.self) { try decoder.decode(text: ByteBuffer(string: "0")) }
        #expect(error?.code == .unexpectedText)
    }

    @Test("limits hold: bytes, depth, and the namespace")
    func limits() throws {
        func event(_ argument: String, _ root: String = Member.root) -> [UInt8] {
            hex("83 \(Member.type)02 \(root) \(Member.data)92a161 \(argument)")
        }
        // One level is that of the arguments' array.
        let deep = { (depth: Int) in event(String(repeating: "91", count: depth - 2) + "90") }
        #expect(packedRefusal(deep(64)) == nil)
        #expect(packedRefusal(deep(65)) == .limitExceeded)
        #expect(packedRefusal(deep(128), limits: SocketIOLimits(maxDepth: 500)) == nil)
        #expect(packedRefusal(deep(129), limits: SocketIOLimits(maxDepth: 500)) == .limitExceeded)
        #expect(packedRefusal(event("90"), limits: SocketIOLimits(maxDepth: 0)) == .limitExceeded)
        #expect(packedRefusal(event("00"), limits: SocketIOLimits(maxPacketBytes: event("00").count)) == nil)
        #expect(
            packedRefusal(event("00"), limits: SocketIOLimits(maxPacketBytes: event("00").count - 1)) == .limitExceeded)
        let namespace = { (length: Int) in
            event("00", "a36e7370 da0\(String(length, radix: 16))" + String(repeating: "2f", count: length))
        }
        #expect(packedRefusal(namespace(512)) == nil)
        #expect(packedRefusal(namespace(513)) == .limitExceeded)
    }
}
