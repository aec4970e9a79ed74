import Foundation
import NIOCore
import SocketIOProtocol
import Testing

@Suite("JSON decoding")
struct JSONDecodingTests {
    @Test("integers are exact to the last one of their type")
    func integers() throws {
        #expect(try decodeJSON(Int64.self, "-9223372036854775808") == .min)
        #expect(try decodeJSON(Int64.self, "9223372036854775807") == .max)
        #expect(try decodeJSON(UInt64.self, "18446744073709551615") == .max)
        #expect(try decodeJSON(Int.self, "9007199254740993") == 9_007_199_254_740_993)
        #expect(try decodeJSON(Int128.self, "-170141183460469231731687303715884105728") == .min)
        #expect(try decodeJSON(UInt128.self, "340282366920938463463374607431768211455") == .max)
        #expect(try decodeJSON(Int8.self, "-128") == .min)
        #expect(try decodeJSON([UInt8].self, "[0,255]") == [0, 255])
        #expect(try decodeJSON(Int.self, "-0") == 0)
        #expect(throws: DecodingError.self) { try decodeJSON(Int64.self, "9223372036854775808") }
        #expect(throws: DecodingError.self) { try decodeJSON(Int64.self, "-9223372036854775809") }
        #expect(throws: DecodingError.self) { try decodeJSON(UInt64.self, "18446744073709551616") }
        #expect(throws: DecodingError.self) { try decodeJSON(UInt128.self, "340282366920938463463374607431768211456") }
        #expect(throws: DecodingError.self) { try decodeJSON(UInt8.self, "256") }
        #expect(throws: DecodingError.self) { try decodeJSON(UInt.self, "-1") }
        #expect(throws: DecodingError.self) { try decodeJSON(Int.self, String(repeating: "9", count: 5000)) }
        #expect(throws: DecodingError.self) { try decodeJSON(Int.self, "1e1000000000000000000000") }
    }

    @Test(
        "an integer may be written in any form of its value",
        arguments: [
            ("1.0", 1), ("1e3", 1000), ("1.5e1", 15), ("-2.50E+2", -250), ("100e-2", 1), ("0.0", 0), ("0e99999", 0),
            ("1000000000000000000000e-21", 1), ("0.001e3", 1),
            ("1.00000000000000000000000000000000000000000000000000", 1),
        ])
    func integerForms(_ text: String, _ value: Int) throws {
        #expect(try decodeJSON(Int.self, text) == value)
    }

    @Test(
        "a fraction is no integer",
        arguments: ["1.5", "1e-1", "0.1", "123456789.000000001", "1.00000000000000000000000001"])
    func fractions(_ text: String) {
        #expect(throws: DecodingError.self) { try decodeJSON(Int.self, text) }
    }

    @Test(
        "doubles are the nearest to what is written",
        arguments: [
            "0.1", "-0.1", "1e23", "8.5e-7", "123456789012345", "1234567890123456789", "0.30000000000000004",
            "2.2250738585072011e-308", "5e-324", "1.7976931348623157e308", "9007199254740993", "1e-400", "4.35",
            "0.000001",
            "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
        ])
    func doubles(_ text: String) throws {
        #expect(try decodeJSON(Double.self, text) == Double(text))
    }

    @Test("what a floating-point type cannot hold is an error")
    func overflow() {
        #expect(throws: DecodingError.self) { try decodeJSON(Double.self, "1e309") }
        #expect(throws: DecodingError.self) { try decodeJSON(Float.self, "1e39") }
    }

    @Test("negative zero and floats keep their value")
    func floats() throws {
        #expect(try decodeJSON(Double.self, "-0").sign == .minus)
        #expect(try decodeJSON(Double.self, "-0.0").sign == .minus)
        #expect(try decodeJSON(Float.self, "0.1") == 0.1)
        // Halfway between two floats when rounded to a double first.
        #expect(try decodeJSON(Float.self, "1.00000017881393432617187499") == Float("1.00000017881393432617187499"))
    }

    @Test(
        "strings are unescaped as on the web",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\uD55C""#, "Aé한"),
            (#""\ud83d\ude00""#, "😀"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"), (#""\ud83d""#, "\u{FFFD}"),
            (#""\ude00""#, "\u{FFFD}"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ud83dx""#, "\u{FFFD}x"),
            (#""\ud83d\n""#, "\u{FFFD}\n"), (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"), (#""a\u0000b""#, "a\u{0}b"),
            (#""한글\n😀é""#, "한글\n😀é"), (#""""#, ""), (#""twelve chars\\""#, "twelve chars\\"),
        ])
    func strings(_ json: String, _ text: String) throws {
        #expect(Array(try decodeJSON(String.self, json).utf8) == Array(text.utf8))
    }

    @Test("of duplicate keys the last counts, in objects of any size", arguments: [0, 50])
    func duplicateKeys(_ others: Int) throws {
        let filler = (0..<others).map { "\"k\($0)\":0," }.joined()
        let json = #"{"a":1,\#(filler)"\u0061":2,"b":3}"#
        #expect(try decodeJSON([String: Int].self, json)["a"] == 2)
        #expect(try decodeJSON([String: Int].self, json).count == others + 2)
        struct Value: Decodable { let a: Int, b: Int }
        let value = try decodeJSON(Value.self, json)
        #expect((value.a, value.b) == (2, 3))
    }

    @Test("keys are compared byte by byte")
    func keys() throws {
        struct Value: Decodable {
            let e: Int
            enum CodingKeys: String, CodingKey { case e = "\u{E9}" }
        }
        #expect(try decodeJSON(Value.self, "{\"e\u{301}\":1,\"\u{E9}\":2}").e == 2)
        #expect(throws: DecodingError.self) { try decodeJSON(Value.self, "{\"e\u{301}\":1}") }
    }

    @Test("dates are read as text and as milliseconds")
    func dates() throws {
        let date = Date(timeIntervalSince1970: 1_769_850_307.25)
        #expect(try decodeJSON(Date.self, #""2026-01-31T09:05:07.250Z""#) == date)
        #expect(try decodeJSON(Date.self, #""2026-01-31T18:05:07.25+09:00""#) == date)
        #expect(try decodeJSON(Date.self, #""2026-01-31T09:05:07.250999Z""#) == date)
        #expect(try decodeJSON(Date.self, "1769850307250") == date)
        #expect(try decodeJSON(Date.self, #""1970-01-01""#) == Date(timeIntervalSince1970: 0))
        #expect(try decodeJSON(Date.self, #""+275760-09-13T00:00:00.000Z""#).timeIntervalSince1970 == 8.64e12)
    }

    @Test(
        "refuses what is not a date",
        arguments: [
            "", "today", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T09:05:07",
            "2026-01-31T09:05:07.Z", "2026-01-31T09:05:60Z", "-000000-01-01T00:00:00Z", "2026-1-31",
            "2026-01-31T09:05:07Zx",
            "+275760-09-13T00:00:00.001Z", "2026-01-31T09:05:07.1234567890Z",
        ])
    func illegalDates(_ text: String) {
        #expect(throws: DecodingError.self) { try decodeJSON(Date.self, "\"\(text)\"") }
    }

    @Test("decimals are exact or an error, and URLs are text")
    func decimalsAndURLs() throws {
        let digits = "12345678901234567890.123456789012345678"
        #expect(try decodeJSON(Decimal.self, digits) == Decimal(string: digits))
        #expect(try decodeJSON(Decimal.self, "0.1") == Decimal(string: "0.1"))
        #expect(try decodeJSON(Decimal.self, "-1.5e10") == Decimal(-15_000_000_000))
        #expect(throws: DecodingError.self) { try decodeJSON(Decimal.self, "0.\(String(repeating: "7", count: 39))") }
        #expect(throws: DecodingError.self) { try decodeJSON(Decimal.self, "1e200") }
        #expect(
            try decodeJSON(URL.self, #""https://example.com/a?b=%20""#).absoluteString == "https://example.com/a?b=%20")
        #expect(throws: DecodingError.self) { try decodeJSON(URL.self, #""""#) }
    }

    @Test("binary values are read from placeholders wherever they stand")
    func binary() throws {
        let first = #"{"_placeholder":true,"num":0}"#
        #expect(try decodeJSON(Data.self, first, attachments: ["ab"]) == Data("ab".utf8))
        #expect(try decodeJSON(Data?.self, first, attachments: ["ab"]) == Data("ab".utf8))
        #expect(try decodeJSON([ByteBuffer].self, "[\(first),\(first)]", attachments: ["a"]).count == 2)
        #expect(
            try decodeJSON([String: Data].self, #"{"a":{"num":1,"_placeholder":true}}"#, attachments: ["a", "b"])["a"]
                == Data("b".utf8))
        #expect(throws: DecodingError.self) { try decodeJSON(Data.self, #""YWI=""#) }
        #expect(throws: DecodingError.self) { try decodeJSON(Data.self, "[1,2]", attachments: ["a"]) }
        #expect(throws: DecodingError.self) { try decodeJSON(Data.self, "{}", attachments: ["a"]) }
    }

    @Test("each type refuses values of other kinds")
    func mismatches() {
        #expect(throws: DecodingError.self) { try decodeJSON(String.self, "1") }
        #expect(throws: DecodingError.self) { try decodeJSON(Int.self, "\"1\"") }
        #expect(throws: DecodingError.self) { try decodeJSON(Int.self, "true") }
        #expect(throws: DecodingError.self) { try decodeJSON(Bool.self, "1") }
        #expect(throws: DecodingError.self) { try decodeJSON(Double.self, "null") }
        #expect(throws: DecodingError.self) { try decodeJSON([Int].self, "{}") }
        #expect(throws: DecodingError.self) { try decodeJSON([Int].self, "[1,null]") }
        #expect(throws: DecodingError.self) { try decodeJSON([String: Int].self, "[]") }
        #expect(throws: DecodingError.self) { try decodeJSON([[String]].self, "[[1]]") }
    }
}
