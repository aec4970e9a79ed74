import NIOCore
import TestSupport
import Testing

@testable import JunctionWebSocket

@Suite("UTF-8 validation")
struct UTF8ValidatorTests {
    private func isValid(_ bytes: [UInt8]) -> Bool {
        UTF8Validator.isValid(ByteBuffer(bytes: bytes).readableBytesSpan)
    }

    /// Whether the bytes are valid when they come one by one, which takes the other path through the validator.
    private func isValidByteByByte(_ bytes: [UInt8]) -> Bool {
        var validator = UTF8Validator()
        return bytes.allSatisfy { validator.consume(ByteBuffer(bytes: [$0]).readableBytesSpan) } && validator.isComplete
    }

    @Test(
        "accepts text of all lengths of characters",
        arguments: ["", "a", "é", "한", "😀", "κόσμε", "a한😀é\u{0}\u{10FFFF}"])
    func valid(text: String) {
        for padding in 0..<40 {
            let bytes = Array((String(repeating: "x", count: padding) + text + String(repeating: text, count: 9)).utf8)
            #expect(isValid(bytes) && isValidByteByByte(bytes))
        }
    }

    @Test(
        "refuses overlong forms, surrogates, stray and missing continuations, and what is beyond Unicode",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xE1, 0x41, 0x80],
            [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF1, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xC3, 0xA9, 0xA9],
        ] as [[UInt8]])
    func invalid(bytes: [UInt8]) {
        for padding in 0..<40 {
            for tail in [0, 1, 3, 8, 40] {
                let text = [UInt8](repeating: 0x61, count: padding) + bytes + [UInt8](repeating: 0x62, count: tail)
                #expect(!isValid(text) && !isValidByteByByte(text))
            }
        }
    }

    @Test("agrees with the standard library on a sample of all characters and on random bytes")
    func agreesWithStandardLibrary() {
        let refused = stride(from: UInt32(0), through: 0x10FFFF, by: 61).compactMap(Unicode.Scalar.init).filter {
            !isValid(Array(String($0).utf8) + [0x20, 0x20, 0x20])
        }
        #expect(refused == [])
        var generator = SeededGenerator(seed: 4)
        let bytes: [UInt8] = [0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4]
        for _ in 0..<10_000 {
            let text = (0..<Int.random(in: 1...12, using: &generator)).compactMap { _ in
                bytes.randomElement(using: &generator)
            }
            let expected = String(validating: text, as: UTF8.self) != nil
            #expect(isValid(text) == expected)
            #expect(isValidByteByByte(text) == expected)
        }
    }

    @Test("takes a text in any two pieces")
    func pieces() {
        let text = Array("Grüße, 세계! 😀 und noch etwas ASCII".utf8)
        for cut in 0...text.count {
            var validator = UTF8Validator()
            let first = validator.consume(ByteBuffer(bytes: text[..<cut]).readableBytesSpan)
            let second = validator.consume(ByteBuffer(bytes: text[cut...]).readableBytesSpan)
            #expect(first && second && validator.isComplete)
        }
    }

    @Test("fails at the first byte that cannot go on")
    func failsEarly() {
        var validator = UTF8Validator()
        let lead = validator.consume(ByteBuffer(bytes: [0xED]).readableBytesSpan)
        let isComplete = validator.isComplete
        let surrogate = validator.consume(ByteBuffer(bytes: [0xA0]).readableBytesSpan)
        #expect(lead && !isComplete && !surrogate)
    }
}
