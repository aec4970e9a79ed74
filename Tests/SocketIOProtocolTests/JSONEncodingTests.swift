import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("JSON encoding")
struct JSONEncodingTests {
    @Test(
        "doubles are written as JavaScript writes them",
        arguments: [
            (0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (-0.1, "-0.1"), (123.456, "123.456"),
            (1e15, "1000000000000000"),
            (9_007_199_254_740_991, "9007199254740991"), (9_007_199_254_740_992, "9007199254740992"),
            (1e16, "10000000000000000"), (123_456_789_012_345_683_968, "123456789012345680000"),
            (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e21, "1.5e+21"), (-1e21, "-1e+21"),
            (1e-6, "0.000001"),
            (1.5e-6, "0.0000015"), (1e-7, "1e-7"), (1.25e-7, "1.25e-7"), (0.0001, "0.0001"), (0.00001, "0.00001"),
            (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (0.30000000000000004, "0.30000000000000004"),
            (1e100, "1e+100"), (4.35, "4.35"), (1_234_567.125, "1234567.125"),
        ])
    func doubles(_ value: Double, _ text: String) throws {
        #expect(try encodeJSON(value) == text)
        #expect(try encodeJSON([value]) == "[\(text)]")
        #expect(try decodeJSON(Double.self, text) == value)
    }

    @Test("other numbers are written exactly")
    func numbers() throws {
        #expect(try encodeJSON(Int64.min) == "-9223372036854775808")
        #expect(try encodeJSON(UInt64.max) == "18446744073709551615")
        #expect(try encodeJSON(Int128.min) == "-170141183460469231731687303715884105728")
        #expect(try encodeJSON([Int8.min, 0, 10]) == "[-128,0,10]")
        #expect(try encodeJSON(Float(0.1)) == "0.1")
        #expect(try encodeJSON(Float(16_777_216)) == "16777216")
        #expect(try encodeJSON(Float(1e30)) == "1e+30")
        let decimal = "1234567890.12345678901234567890"
        #expect(try encodeJSON(try #require(Decimal(string: decimal))) == "1234567890.1234567890123456789")
    }

    @Test("what JSON cannot hold is an error with its path")
    func errors() {
        #expect(throws: EncodingError.self) { try encodeJSON(Double.nan) }
        #expect(throws: EncodingError.self) { try encodeJSON(Float.infinity) }
        #expect(throws: EncodingError.self) { try encodeJSON(Decimal.nan) }
        #expect(throws: EncodingError.self) { try encodeJSON(Date(timeIntervalSince1970: 1e14)) }
        #expect(throws: EncodingError.self) { try encodeJSON(Date(timeIntervalSince1970: .infinity)) }
        struct Outer: Encodable { let inner = ["k": [[0.5], [-.infinity]]] }
        do {
            _ = try encodeJSON(Outer())
            Issue.record("encoded")
        } catch EncodingError.invalidValue(_, let context) {
            #expect(context.codingPath.map(\.stringValue) == ["Index 0", "inner", "k", "Index 1"])
        } catch {
            Issue.record(error)
        }
    }

    @Test(
        "strings are escaped as JSON.stringify does",
        arguments: [
            ("", #""""#), ("plain", #""plain""#), ("\"\\/", #""\"\\/""#), ("\u{8}\u{C}\n\r\t", #""\b\f\n\r\t""#),
            ("\u{0}\u{1F}\u{B}", #""\u0000\u001f\u000b""#), ("\u{7F}\u{2028}한😀", "\"\u{7F}\u{2028}한😀\""),
            ("seven77\"eight888\n", #""seven77\"eight888\n""#), ("\"\"\"\"\"\"\"\"\"", #""\"\"\"\"\"\"\"\"\"""#),
        ])
    func strings(_ text: String, _ json: String) throws {
        #expect(try encodeJSON(text) == json)
        #expect(try encodeJSON([text: text]) == "{\(json):\(json)}")
        #expect(try decodeJSON(String.self, json) == text)
    }

    @Test(
        "dates are written as Date.prototype.toJSON does",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_769_850_307.25, "2026-01-31T09:05:07.250Z"),
            (-0.001, "1969-12-31T23:59:59.999Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"), (-62_167_219_200, "0000-01-01T00:00:00.000Z"),
            (-62_167_219_200.001, "-000001-12-31T23:59:59.999Z"), (253_402_300_800, "+010000-01-01T00:00:00.000Z"),
            (8.64e12, "+275760-09-13T00:00:00.000Z"), (-8.64e12, "-271821-04-20T00:00:00.000Z"),
        ])
    func dates(_ seconds: Double, _ text: String) throws {
        #expect(try encodeJSON(Date(timeIntervalSince1970: seconds)) == "\"\(text)\"")
        #expect(try decodeJSON(Date.self, "\"\(text)\"") == Date(timeIntervalSince1970: seconds))
    }

    @Test("optionals, dictionaries and empty values have their usual form")
    func shapes() throws {
        struct Empty: Encodable {}
        struct Nothing: Encodable { func encode(to encoder: any Encoder) throws {} }
        #expect(try encodeJSON(Int?.none) == "null")
        #expect(try encodeJSON([1, nil, 3]) == "[1,null,3]")
        #expect(try encodeJSON([7: "a"]) == #"{"7":"a"}"#)
        #expect(try decodeJSON([Int: String].self, #"{"7":"a"}"#) == [7: "a"])
        #expect(try encodeJSON(Empty()) == "{}")
        #expect(try encodeJSON([Nothing(), Nothing()]) == "[{},{}]")
        #expect(try encodeJSON([[Int]]()) == "[]")
        #expect(try encodeJSON(["a": [String: Int]()]) == #"{"a":{}}"#)
        #expect(try encodeJSON(URL(string: "https://example.com/")) == #""https://example.com/""#)
    }
}
