import EngineIOProtocol
import NIOCore
import TestSupport
import Testing

@Suite("Engine.IO handshake")
struct EngineHandshakeTests {
    private let example = EngineHandshake(
        sid: "lv_VI97HAXpY6yYWAAAC", upgrades: ["websocket"], pingInterval: .seconds(25), pingTimeout: .seconds(20),
        maxPayload: 1_000_000)

    private func text(_ handshake: EngineHandshake) -> String {
        var buffer = ByteBuffer()
        handshake.write(into: &buffer)
        return String(buffer: buffer)
    }

    private func decode(_ text: String) throws(EngineParseError) -> EngineHandshake {
        try EngineHandshake(ByteBuffer(string: text))
    }

    @Test("writes the specification's example without spaces")
    func write() {
        #expect(
            text(example)
                == #"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"#
                + #""pingTimeout":20000,"maxPayload":1000000}"#)
    }

    @Test("reads the specification's example")
    func read() throws {
        let json = """
            {
              "sid": "lv_VI97HAXpY6yYWAAAC",
              "upgrades": ["websocket"],
              "pingInterval": 25000,
              "pingTimeout": 20000,
              "maxPayload": 1000000
            }
            """
        #expect(try decode(json) == example)
    }

    @Test("reads back what it writes")
    func roundTrip() throws {
        var handshake = example
        handshake.sid = "quote \" backslash \\ newline \n bell \u{7} 한 😀"
        handshake.upgrades = ["websocket", "webtransport", ""]
        handshake.pingInterval = .milliseconds(300)
        handshake.maxPayload = nil
        #expect(try decode(text(handshake)) == handshake)
        handshake.upgrades = []
        #expect(try decode(text(handshake)) == handshake)
    }

    @Test("ignores members it does not know, whatever they hold")
    func unknownMembers() throws {
        let json =
            #"{"a":null,"b":[1,-2.5e-3,{"c":[true,false,{}]}],"sid":"x","pingInterval":1.0,"pingTimeout":2e3,"d":""}"#
        let handshake = try decode(json)
        #expect(handshake.sid == "x" && handshake.upgrades == [] && handshake.maxPayload == nil)
        #expect(handshake.pingInterval == .milliseconds(1) && handshake.pingTimeout == .seconds(2))
    }

    @Test("understands all escapes")
    func escapes() throws {
        let json = #"{"sid":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx\ude00","pingInterval":1,"pingTimeout":1}"#
        #expect(try decode(json).sid == "\"\\/\u{8}\u{c}\n\r\té😀\u{FFFD}x\u{FFFD}")
    }

    @Test(
        "refuses what does not describe a session",
        arguments: [
            "", "{", "[]", "null", "{}", #"{"sid":"x"}"#, #"{"sid":"","pingInterval":1,"pingTimeout":1}"#,
            #"{"sid":1,"pingInterval":1,"pingTimeout":1}"#, #"{"sid":"x","pingInterval":"1","pingTimeout":1}"#,
            #"{"sid":"x","pingInterval":-1,"pingTimeout":1}"#, #"{"sid":"x","pingInterval":1.5,"pingTimeout":1}"#,
            #"{"sid":"x","pingInterval":1e99,"pingTimeout":1}"#, #"{"sid":"x","pingInterval":1e999,"pingTimeout":1}"#,
            #"{"sid":"x","pingInterval":01,"pingTimeout":1}"#, #"{"sid":"x","pingInterval":1,"pingTimeout":1,}"#,
            #"{"sid":"x","pingInterval":1,"pingTimeout":1} x"#, #"{"sid":"x" "pingInterval":1,"pingTimeout":1}"#,
            #"{"sid":"\x","pingInterval":1,"pingTimeout":1}"#, #"{"sid":"\u12g4","pingInterval":1,"pingTimeout":1}"#,
            #"{"sid":"x","upgrades":"websocket","pingInterval":1,"pingTimeout":1}"#,
            #"{"sid":"x","a":tru,"pingInterval":1,"pingTimeout":1}"#,
            "{\"sid\":\"\n\",\"pingInterval\":1,\"pingTimeout\":1}",
        ])
    func invalid(json: String) {
        #expect { try decode(json) } throws: { ($0 as? EngineParseError)?.code == .invalidHandshake }
    }

    @Test("refuses deep nesting instead of following it")
    func nesting() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: EngineParseError.self) { try decode(#"{"a":\#(deep)"#) }
    }

    @Test("never traps on damaged bytes")
    func mutations() {
        var random = SeededGenerator(seed: 6)
        let json = Array((text(example).dropLast() + #","x":{"a":[1.5e3,"\ud83d\ude00",null]}}"#).utf8)
        for _ in 0..<5000 {
            var bytes = json
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...10, using: &random))
            _ = try? EngineHandshake(ByteBuffer(bytes: bytes))
        }
    }
}
