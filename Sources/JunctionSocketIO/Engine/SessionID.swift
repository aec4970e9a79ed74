/// Identifiers of sessions and sockets: 20 characters of base64url, that is 120 bits from the system's secure generator.
enum SessionID {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(unsafeUninitializedCapacity: 20) { characters in
            for half in 0..<2 {
                var bits = generator.next()
                for index in 0..<10 {
                    characters[half * 10 + index] = alphabet[Int(bits & 63)]
                    bits >>= 6
                }
            }
            return 20
        }
    }
}
