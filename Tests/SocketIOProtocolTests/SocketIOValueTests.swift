import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("Dynamic values")
struct SocketIOValueTests {
    @Test(
        "are sent on as they came",
        arguments: [
            "null", "true", "false", "0", "-0", "1.0", "1e3", "1E-2", "12345678901234567890123.4567890",
            "9007199254740993", #""""#, #""가나다 \"x\" \\ \n \u0001 😀""#, "[]", "{}",
            #"{"z":1,"a":{"y":[],"x":{}},"":[null,[[]]]}"#, #"{"2":0,"1":0}"#,
        ])
    func echo(_ json: String) throws {
        #expect(try encodeJSON(try decodeJSON(SocketIOValue.self, json)) == json)
    }

    @Test("are read and written as deep as validation lets them through")
    func deep() throws {
        var decoder = SocketIOPacketDecoder(limits: SocketIOLimits(maxDepth: 128))
        let json = String(repeating: #"[{"a":"#, count: 63) + "1" + String(repeating: "}]", count: 63)
        var arguments = try EventArguments(try #require(try decoder.decode(text: ByteBuffer(string: "30[\(json)]"))))
        #expect(try encodeJSON(try arguments.next(SocketIOValue.self)) == json)
    }

    @Test("drop white space and needless escapes, as JSON.stringify does")
    func normalized() throws {
        let value = try decodeJSON(SocketIOValue.self, " { \"\\u0061\" : [ 1 , 2 ] , \"b\" : \"\\/\\ud83d\\ude00\" } ")
        #expect(try encodeJSON(value) == #"{"a":[1,2],"b":"/😀"}"#)
    }

    @Test("of members with the same name keep the last value in the first place", arguments: [0, 40])
    func duplicates(_ others: Int) throws {
        let filler = (0..<others).map { ",\"k\($0)\":0" }.joined()
        let value = try decodeJSON(SocketIOValue.self, "{\"a\":1,\"b\":2\(filler),\"a\":3}")
        guard case .object(let object) = value else {
            Issue.record("not an object")
            return
        }
        #expect(object.count == others + 2)
        #expect(object.first?.key == "a")
        #expect(value["a"] == 3)
    }

    @Test("are written as literals and read by key, index and type")
    func literals() {
        let value: SocketIOValue = ["device": "m", "values": [20.5, 21], "ok": true, "none": nil]
        #expect(value["device"]?.stringValue == "m")
        #expect(value["values"]?[0]?.doubleValue == 20.5)
        #expect(value["values"]?[1]?.intValue == 21)
        #expect(value["values"]?[2] == nil)
        #expect(value["values"]?[-1] == nil)
        #expect(value["ok"]?.boolValue == true)
        #expect(value["none"] == .null)
        #expect(value["other"] == nil)
        #expect(SocketIOValue.binary(ByteBuffer(string: "x")).binaryValue == ByteBuffer(string: "x"))
    }

    @Test("objects change by key")
    func objects() {
        var object = SocketIOValue.Object()
        object["a"] = 1
        object["b"] = 2
        object["a"] = 3
        #expect(object.map(\.key) == ["a", "b"])
        object["a"] = nil as SocketIOValue?
        #expect(object.map(\.key) == ["b"])
    }

    @Test("numbers are exact or nothing")
    func numbers() {
        typealias Number = SocketIOValue.Number
        #expect(Number("18446744073709551615")?.exactly(UInt64.self) == .max)
        #expect(Number("18446744073709551616")?.exactly(UInt64.self) == nil)
        #expect(Number("1.5e1")?.exactly(Int8.self) == 15)
        #expect(Number("1.5")?.exactly(Int.self) == nil)
        #expect(Number("1.5")?.doubleValue == 1.5)
        #expect(Number(Double.infinity) == nil)
        #expect(Number(2.0)?.description == "2")
        for text in ["", "01", "+1", "1.", ".5", "0x1", "1 ", " 1", "nan", "true", "[1]", "-", "1e"] {
            #expect(Number(text) == nil, "\(text)")
        }
    }

    @Test("go through Foundation's coders")
    func foundation() throws {
        let value: SocketIOValue = ["a": [1, -2.5, "x", true, nil, 18_446_744_073_709_551_615.0], "b": [:]]
        let data = try JSONEncoder().encode(value)
        let decoded = try JSONDecoder().decode(SocketIOValue.self, from: data)
        #expect(decoded["a"] == [1, -2.5, "x", true, nil, 18_446_744_073_709_551_616.0])
        #expect(decoded["b"] == [:])
        let bytes = try JSONEncoder().encode([SocketIOValue.binary(ByteBuffer(bytes: [1, 2, 3]))])
        #expect(String(decoding: bytes, as: UTF8.self) == #"["AQID"]"#)
    }
}
