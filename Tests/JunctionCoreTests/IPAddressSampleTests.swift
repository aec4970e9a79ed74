import JunctionCore
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Many seeded texts, compared with the C library.
@Suite(.timeLimit(.minutes(5))) struct IPAddressSampleTests {
    /// What `inet_pton` makes of the text.
    private func referenceBytes(_ text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }  // ends text in C
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }

    @Test("Text without a zone is read as inet_pton reads it", arguments: 1...4 as ClosedRange<UInt64>)
    func againstTheSystem(seed: UInt64) {
        var samples = AddressSamples(seed: seed)
        var valid = 0
        for _ in 0..<3_000 {
            for text in [samples.text(), samples.damagedText()] where !text.contains("%") {
                let reference = referenceBytes(text)
                #expect(IPAddress(text)?.bytes == reference, "\(text.debugDescription)")
                if reference != nil { valid += 1 }
            }
        }
        #expect(valid > 2_000 && valid < 5_500, "\(valid) of the samples are valid")
    }

    @Test("What is printed is read as the same address, and printed the same again", arguments: [5, 6] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var samples = AddressSamples(seed: seed)
        for _ in 0..<3_000 {
            let sample = samples.anyAddress()
            let address = try IPAddress(parsing: sample.text)
            #expect(address.bytes == sample.bytes)
            let printed = address.description
            #expect(IPAddress(printed) == address)
            #expect(referenceBytes(printed) == sample.bytes)
        }
    }

    @Test("Random text never traps, and what is read of it is printed and read again", arguments: [7, 8] as [UInt64])
    func randomText(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789abcdefF::::....%%/-[] \u{301}٣é\r\n\0SubnetAddressRange: IPv46")
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...60, using: &random)
            let text = String((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
            if let address = IPAddress(text) { #expect(IPAddress(address.description) == address) }
            if let prefix = IPPrefix(text) { #expect(IPPrefix(prefix.description) == prefix) }
            if let range = IPAddressRange(text) { #expect(IPAddressRange(range.description) == range) }
            if let rule = BlockList.Rule(text) { #expect(BlockList.Rule(rule.description) == rule) }
            _ = try? SocketAddress(parsing: text)
        }
    }
}
