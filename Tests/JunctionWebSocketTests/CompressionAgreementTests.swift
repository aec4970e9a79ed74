import Testing

@testable import JunctionWebSocket

@Suite("permessage-deflate: the agreement")
struct CompressionAgreementTests {
    /// The answer to a header; `nil` without compression.
    private func answer(_ header: String, _ options: WebSocketCompression = .init()) throws -> String? {
        let offers = try WebSocketExtensionHeader.offers(in: [header])
        return CompressionAgreement.first(of: offers, options)?.headerValue
    }

    @Test(
        "accepts an offer and says what holds",
        arguments: [
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"),
            (#"permessage-deflate; client_max_window_bits="8""#, "permessage-deflate; client_max_window_bits=8"),
            ("permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"),
            (
                "permessage-deflate;server_no_context_takeover ; client_no_context_takeover",
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            ),
        ])
    func accepted(header: String, expected: String) throws {
        #expect(try answer(header) == expected)
    }

    @Test(
        "declines an offer with an unknown, repeated or wrong parameter",
        arguments: [
            "permessage-deflate; unknown", "permessage-deflate; server_no_context_takeover=true",
            "permessage-deflate; client_no_context_takeover=1", "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010", "permessage-deflate; server_max_window_bits=x",
            "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "x-webkit-deflate-frame", "",
        ])
    func declined(header: String) throws {
        #expect(try answer(header) == nil)
    }

    @Test("declines a server window that zlib cannot keep to")
    func smallestWindow() throws {
        #expect(try answer("permessage-deflate; server_max_window_bits=8") == nil)
    }

    @Test("takes the first offer that it can accept, whatever stands around it")
    func severalOffers() throws {
        let header = """
            , x-other; a=b, permessage-deflate; server_max_window_bits=8 ,permessage-deflate; unknown, \
            permessage-deflate; server_max_window_bits=12,, permessage-deflate
            """
        #expect(try answer(header) == "permessage-deflate; server_max_window_bits=12")
        let offers = try WebSocketExtensionHeader.offers(in: ["x-other", "permessage-deflate"])
        #expect(CompressionAgreement.first(of: offers, .init()) == agreement(), "fields are one list")
    }

    @Test("asks for what its options say, within what the client offers")
    func options() throws {
        var options = WebSocketCompression()
        options.serverNoContextTakeover = true
        options.clientNoContextTakeover = true
        options.serverMaxWindowBits = 12
        #expect(
            try answer("permessage-deflate", options)
                == "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
        )
        options = WebSocketCompression()
        options.serverMaxWindowBits = 12
        #expect(
            try answer("permessage-deflate; server_max_window_bits=10", options)
                == "permessage-deflate; server_max_window_bits=10")
        #expect(
            try answer("permessage-deflate; server_max_window_bits=14", options)
                == "permessage-deflate; server_max_window_bits=12")
        options = WebSocketCompression()
        options.clientMaxWindowBits = 11
        #expect(
            try answer("permessage-deflate; client_max_window_bits", options)
                == "permessage-deflate; client_max_window_bits=11")
        #expect(
            try answer("permessage-deflate; client_max_window_bits=9", options)
                == "permessage-deflate; client_max_window_bits=9")
        #expect(
            try answer("permessage-deflate", options) == nil, "the client did not say that it could keep to a window")
    }

    @Test("brings options into range")
    func range() {
        var options = WebSocketCompression()
        (options.level, options.memLevel, options.threshold) = (12, 0, -1)
        options.serverMaxWindowBits = 3
        options.clientMaxWindowBits = 99
        let offer = WebSocketExtensionOffer(
            name: "permessage-deflate", parameters: [.init(name: "client_max_window_bits", value: nil)])
        let agreement = CompressionAgreement.first(of: [offer], options)
        #expect(agreement?.headerValue == "permessage-deflate; server_max_window_bits=9; client_max_window_bits=15")
        let parameters = agreement.map { DeflateParameters($0, options) }
        #expect(parameters?.level == 9 && parameters?.memLevel == 1 && parameters?.threshold == 1)
        #expect(parameters.flatMap { Deflater($0) } != nil)
    }

    @Test("has the reference's defaults")
    func defaults() {
        let options = WebSocketCompression()
        #expect(options.threshold == 1024 && options.level == 6 && options.memLevel == 8)
        #expect(!options.serverNoContextTakeover && !options.clientNoContextTakeover)
        #expect(options.serverMaxWindowBits == nil && options.clientMaxWindowBits == nil)
    }

    // MARK: - The header

    @Test("reads names, values and quoted values")
    func grammar() throws {
        let header = "a;b , c; d=e;f=\"g\"; h = \"\\i\\j\"\t,"
        #expect(
            try WebSocketExtensionHeader.offers(in: [header]) == [
                .init(name: "a", parameters: [.init(name: "b", value: nil)]),
                .init(
                    name: "c",
                    parameters: [
                        .init(name: "d", value: "e"), .init(name: "f", value: "g"), .init(name: "h", value: "ij"),
                    ]),
            ])
    }

    @Test(
        "refuses what does not follow the grammar",
        arguments: [
            ";", "a;", "a;;b", "a;b=", "a;b=\"", "a;b=\"c", "a;b=\"\"", "a;b=\"c d\"", "a;b=\"c\\", "a;b=\"c\"d", "a b",
            "a;b c", "a;=b", "a=b", "a;b==c", "a/b", "한", "a\u{0}", "a;b=\"\\\"\"",
        ])
    func malformed(header: String) {
        #expect(throws: WebSocketExtensionHeaderError.malformed) {
            try WebSocketExtensionHeader.offers(in: [header])
        }
    }

    @Test("reads 4,096 bytes of it, all fields together, and no more")
    func length() throws {
        let half = String(repeating: "a,", count: 1024)
        #expect(try WebSocketExtensionHeader.offers(in: [half, half]).count == 2048)
        #expect(throws: WebSocketExtensionHeaderError.tooLong) {
            try WebSocketExtensionHeader.offers(in: [half, half, "a"])
        }
    }
}
