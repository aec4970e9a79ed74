import NIOCore
import SocketIOProtocol
import Testing

@Suite("JSON syntax")
struct JSONSyntaxTests {
    @Test(
        "accepts every form of RFC 8259",
        arguments: [
            // Numbers
            "0", "-0", "0.0", "-0.0", "0e1", "0E+1", "0e-0", "1", "-1", "10", "1.5", "-1.5", "1e1", "1E1", "1e+1",
            "1e-1",
            "1.5e10", "123456789012345678901234567890", "1e400", "-1e-400", "0.000000000000000000000001", "100e-2",
            // Literals
            "true", "false", "null",
            // Strings and escapes
            #""""#, #""a""#, #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u00e9\uAbCd""#, #""\ud83d\ude00""#, #""\ud83d""#,
            #""\ude00\ud83d""#, #""\ud83dx""#, #""\ud83d\u0041""#, "\"\u{7F}\"", "\"\u{2028}\u{2029}\u{FEFF}\u{FFFF}\"",
            #""'""#, #""//""#, #""/* */""#, "\"abcdefgh\"", "\"abcdefgé\"", "\"한글 문자열 한글 문자열\"", "\"😀😀😀\"",
            "\"\u{10FFFF}\"",
            // Arrays and objects
            "[]", "[ ]", "[[]]", "[[],[[]]]", "[1,2]", "[ 1 , 2 ]", "[null,\"\",{},[]]", "{}", "{ }", #"{"a":1}"#,
            #"{"":0}"#, #"{"a":1,"a":2}"#, #"{ "a" : { "b" : [ ] } , "c" : null }"#, #"{"\u0061":1}"#,
            // White space
            " 1 ", "\t\n\r 1\t\n\r ", "[\n]", "{\t\"a\"\r:\n1 }",
        ])
    func wellFormed(_ json: String) {
        #expect(refusal("30[\(json)]") == nil)
        #expect(refusal("30[0,\(json),\"x\"]") == nil)
    }

    @Test(
        "refuses everything else",
        arguments: [
            // Numbers
            "-", "+1", "01", "-01", "00", "1.", ".1", "-.1", "1.e1", "1e", "1e+", "1E-", "1e1.5", "0x1", "1_000", "1,",
            "- 1", "1 2", "1a", "Infinity", "-Infinity", "NaN", "١", "1e٣", "1.2.3", "--1", "2.e", "0e", "0.e1", "1-1",
            // Literals
            "tru", "True", "TRUE", "nul", "nil", "undefined", "truee", "true false", "fals", "t", "f", "n",
            // Strings and escapes
            "\"", "\"a", "'a'", "a", "\"\\\"", "\"\\x41\"", "\"\\u\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"",
            "\"\\U0041\"",
            "\"\\a\"", "\"\\'\"", "\"\\0\"", "\"\n\"", "\"\t\"", "\"\r\"", "\"\u{0}\"", "\"\u{1F}\"",
            "\"abcdefg\u{1}hijk\"",
            "\"a\"b", "\"a\"\"b\"", "\"\\ud83d\\u\"", "\"\\é\"",
            // Arrays
            "[", "[1", "[1,", "[,1]", "[1,]", "[1 2]", "[1:2]", "[1,,2]", "[}", "[1}", "]", "[[]", "[]]", "[\"a\"",
            "(1)",
            // Objects
            "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{\"a\"}", "{\"a\":}", "{a:1}",
            "{1:1}",
            "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1]", "{]", "}", "{null:1}",
            "{\"a\":1:2}", "{[]:1}", "{\"a\":1,2}", "{'a':1}",
            // Around
            "", ",", ":", "//1", "/*1*/", "#1", "1//", "\u{FEFF}1", "\u{A0}1", "\u{C}1", "\u{B}1", "\u{2028}1",
            "\\u0031",
            "\u{0}", "1\u{0}", "*", "é", "😀",
        ])
    func illFormed(_ json: String) {
        // Nothing is an array's content, but no value.
        #expect((refusal("30[\(json)]") == nil) == json.isEmpty)
        #expect(refusal("0{\"a\":\(json)}") != nil)
    }

    @Test(
        "accepts well-formed UTF-8 only",
        arguments: [
            ([0xC2, 0x80], true), ([0xDF, 0xBF], true), ([0xE0, 0xA0, 0x80], true), ([0xED, 0x9F, 0xBF], true),
            ([0xEE, 0x80, 0x80], true), ([0xEF, 0xBF, 0xBF], true), ([0xF0, 0x90, 0x80, 0x80], true),
            ([0xF4, 0x8F, 0xBF, 0xBF], true), ([0x80], false), ([0xBF], false), ([0xC0, 0x80], false),
            ([0xC1, 0xBF], false), ([0xC2], false), ([0xC2, 0x41], false), ([0xE0, 0x80, 0x80], false),
            ([0xE0, 0x9F, 0xBF], false), ([0xE1, 0x80], false), ([0xE1, 0x80, 0x41], false),
            ([0xED, 0xA0, 0x80], false),
            ([0xED, 0xBF, 0xBF], false), ([0xF0, 0x80, 0x80, 0x80], false), ([0xF0, 0x8F, 0xBF, 0xBF], false),
            ([0xF1, 0x80, 0x80], false), ([0xF4, 0x90, 0x80, 0x80], false), ([0xF5, 0x80, 0x80, 0x80], false),
            ([0xFE], false), ([0xFF], false), ([0xE1, 0xC0, 0x80], false), ([0xEC, 0x80, 0xC0], false),
        ] as [([UInt8], Bool)])
    func utf8(_ bytes: [UInt8], _ isWellFormed: Bool) {
        for padding in 0..<9 {
            let filler = [UInt8](repeating: UInt8(ascii: "a"), count: padding)
            for text in [filler + bytes, bytes + filler, filler + bytes + filler, bytes + bytes] {
                let packet = Array("30[\"".utf8) + text + Array("\"]".utf8)
                #expect((refusal(packet) == nil) == isWellFormed)
            }
        }
    }

    @Test("refuses every strict beginning of a document")
    func truncated() {
        let document = Array(#"30[{"a":[1.5e3,true,"\u00e9é\n"],"b":null},-1]"#.utf8)
        #expect(refusal(document) == nil)
        for length in 0..<document.count { #expect(refusal(Array(document[..<length])) != nil, "\(length)") }
    }

    @Test("accepts nesting up to the limit")
    func depth() {
        let limits = SocketIOLimits(maxDepth: 100)
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let inner = String(repeating: open, count: 99) + "1" + String(repeating: close, count: 99)
            #expect(refusal("30[\(inner)]", limits: limits) == nil)
            #expect(refusal("30[[\(inner)]]", limits: limits) == .limitExceeded)
        }
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(refusal("30\(deepest)", limits: SocketIOLimits(maxDepth: 1000)) == nil)
        #expect(refusal("30[\(deepest)]", limits: SocketIOLimits(maxDepth: 1000)) == .limitExceeded)
    }
}
