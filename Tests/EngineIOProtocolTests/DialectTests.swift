import NIOCore
import Testing

@testable import EngineIOProtocol

@Suite("Engine.IO dialects")
struct DialectTests {
    private let bytes = EnginePacket(binary: ByteBuffer(bytes: [1, 2, 3]))
    private let old = EngineDialect(revision: .three)

    private func dialect(_ query: String) throws -> EngineDialect {
        try EngineRequest(method: "GET", uri: "/engine.io/?" + query, isWebSocketUpgrade: false).dialect()
    }

    private func written(_ packet: EnginePacket, _ dialect: EngineDialect) -> ByteBuffer {
        var buffer = ByteBuffer()
        packet.write(into: &buffer, dialect: dialect)
        return buffer
    }

    private func payload(_ packets: [EnginePacket], _ dialect: EngineDialect) -> [String] {
        let payload = dialect.encodePayload(packets)
        return [String(buffer: payload.body), "\(payload.kind)"]
    }

    @Test("opens sessions of revision 3 only where these are let in; what is not 4 is 3, as in the reference")
    func revisions() throws {
        for version in ["EIO=3", "", "EIO=2", "EIO=5"] {
            let uri = "/?transport=polling&" + version
            let request = try EngineRequest(method: "GET", uri: uri, isWebSocketUpgrade: false)
            #expect(request.revision == .three)
            let purpose = try request.verify(transports: [.polling], allowsRevision3: true) { _ in nil }
            #expect(purpose == .handshake(.polling))
            #expect(throws: EngineRequestError(.unsupportedProtocolVersion, detail: request.version)) {
                try request.verify(transports: [.polling]) { _ in nil }
            }
        }
    }

    @Test("the query says how a client takes binary messages")
    func queries() throws {
        #expect(try dialect("EIO=4") == .revision4)
        #expect(try dialect("EIO=4&j=0") == .revision4, "revision 4 has no JSONP here")
        #expect(try dialect("EIO=4&b64=1").binaryForm == .base64)
        #expect(try dialect("EIO=3") == old)
        #expect(try dialect("EIO=3&b64=").binaryForm == .typed)
        #expect(try dialect("EIO=3&b64=1").binaryForm == .base64)
        #expect(try dialect("EIO=3&j=007") == EngineDialect(revision: .three, usesBase64: true, jsonpIndex: 7))
        #expect(try dialect("EIO=3&j=4294967295").jsonpIndex == .max)
    }

    @Test(
        "a JSONP index that is anything but a number of 32 bits is refused",
        arguments: ["", "-1", "%2B1", "a", "0]%3Balert(1)%3B%5B", "4294967296", "1e3", "0x1", "%EF%BC%91", "1%00"])
    func wrongIndex(index: String) {
        #expect(throws: EngineRequestError(.badRequest, detail: "JSONP index")) { try dialect("EIO=3&j=" + index) }
    }

    @Test("binary messages are plain in revision 4, behind their type in revision 3, and text for who wants base64")
    func binaryForms() throws {
        #expect(written(bytes, .revision4) == ByteBuffer(bytes: [1, 2, 3]))
        #expect(written(bytes, old) == ByteBuffer(bytes: [4, 1, 2, 3]))
        #expect(written(bytes, EngineDialect(revision: .three, usesBase64: true)) == ByteBuffer(string: "b4AQID"))
        #expect(written(bytes, EngineDialect(revision: .four, usesBase64: true)) == ByteBuffer(string: "bAQID"))
        #expect(try EnginePacket(typedBinary: ByteBuffer(bytes: [4, 1, 2, 3])) == bytes)
        #expect(try EnginePacket(text: ByteBuffer(string: "b4AQID"), revision: .three) == bytes)
        #expect(try EnginePacket(text: ByteBuffer(string: "bAQID")) == bytes)
        #expect(throws: EngineParseError(.unknownPacketType)) {
            try EnginePacket(text: ByteBuffer(string: "bAQID"), revision: .three)
        }
        for frame in [[], [0x34, 1], [2], [7, 1], [255]] as [[UInt8]] {
            #expect(throws: EngineParseError.self) { try EnginePacket(typedBinary: ByteBuffer(bytes: frame)) }
        }
    }

    @Test("payloads of revision 3 are text, or bytes where one is binary or characters are not counted alike")
    func payloads() throws {
        let text = EnginePacket.message("€")
        #expect(payload([text], old) == ["2:4€", "text"])
        #expect(old.encodePayload([text, bytes]).kind == .binary)
        #expect(old.encodePayload([.message("😀")]).body == ByteBuffer(bytes: [0, 5, 255] + Array("4😀".utf8)))
        let base64 = EngineDialect(revision: .three, usesBase64: true)
        #expect(payload([.message("😀"), bytes], base64) == ["3:4😀6:b4AQID", "text"])
        #expect(payload([text, bytes], .revision4) == ["4€\u{1e}bAQID", "text"])

        for packets in [[text], [text, bytes], [.message("😀")]] {
            let payload = old.encodePayload(packets)
            let contentType = payload.kind == .binary ? EngineDialect.binaryContentType : "text/plain;charset=UTF-8"
            #expect(try old.decodePayload(payload.body, contentType: contentType) == packets)
        }
        #expect(try EngineDialect.revision4.decodePayload(ByteBuffer(string: "4€"), contentType: nil) == [text])
    }

    // MARK: JSONP

    private let jsonp = EngineDialect(revision: .three, jsonpIndex: 12)

    @Test("JSONP gives the payload to the client's function, and nothing of it can be anything but its argument")
    func jsonpEncoding() {
        let answer = payload([.message(#"a"b\c</script>&"# + "\n\u{0}\u{2028}\u{2029}€")], jsonp)
        #expect(
            answer[0]
                == #"___eio[12]("21:4a\"b\\c\u003c/script\u003e\u0026\u000a\u0000\u2028\u2029€");"#)
        #expect(answer[1] == "program")
        #expect(payload([bytes], jsonp)[0] == #"___eio[12]("6:b4AQID");"#)
        #expect(payload([.message("\u{2027}\u{202A}")], jsonp)[0] == "___eio[12](\"3:4\u{2027}\u{202A}\");")
    }

    @Test("JSONP takes payloads from a form, with line feeds and backslashes as the client sends them")
    func jsonpDecoding() throws {
        func decode(_ form: String) throws -> [EnginePacket] {
            try jsonp.decodePayload(ByteBuffer(string: form), contentType: "application/x-www-form-urlencoded")
        }
        #expect(try decode("d=6%3A4hello1%3A2") == [.message("hello"), EnginePacket(.ping)])
        #expect(try decode("a=1&d=3%3A4+%2B") == [.message(" +")])
        #expect(try decode("d=4%3A4a%5Cnb") == [.message("a\nb")])
        #expect(try decode("d=5%3A4a%5C%5Cnb") == [.message(#"a\nb"#)])
        #expect(try decode(#"d=6%3A4a\\\nb"#) == [.message(#"a\\nb"#)])
        #expect(try decode(#"d=5%3A4a\\b"#) == [.message(#"a\\b"#)])
        #expect(try decode(#"d=3%3A4a\"#) == [.message(#"a\"#)])
        for form in ["", "d", "d=", "e=2%3A4a", "2:4a", "d=3%3A4a"] {
            #expect(throws: EngineParseError.self, "\(form)") { try decode(form) }
        }
        #expect(throws: EngineParseError(.invalidUTF8)) {
            try jsonp.decodePayload(ByteBuffer(bytes: [0x64, 0x3D, 0xFF]), contentType: nil)
        }
    }
}
