/// A cookie with the id of a session, which the answer to its handshake sets (RFC 6265, section 4.1), by polling and by
/// WebSocket alike: load balancers can keep the requests of a client together by it. The server itself does not read it.
///
/// ```swift
/// options.engine.cookie = SessionCookie(name: "node", sameSite: .strict, maxAge: .seconds(86_400))
/// ```
public struct SessionCookie: Sendable {
    /// Whether the browser sends the cookie with requests that other sites cause.
    public enum SameSite: String, Sendable {
        /// Never.
        case strict = "Strict"
        /// When the user follows a link.
        case lax = "Lax"
        /// Always; browsers want ``SessionCookie/secure`` with it.
        case crossSite = "None"
    }

    /// The cookie's name. `io`.
    public var name: String
    /// The paths that it is sent to; `nil` leaves it to the browser. `/`.
    public var path: String?
    /// The host that it is sent to, with its subdomains; `nil` is the server's alone. `nil`.
    public var domain: String?
    /// Whether pages' scripts cannot read it. Yes.
    public var httpOnly: Bool
    /// Whether it goes over TLS only. No.
    public var secure: Bool
    /// Whether each top-level site has its own (CHIPS). No.
    public var partitioned: Bool
    /// Whether it goes with requests that other sites cause; `nil` leaves it to the browser. ``SameSite/lax``.
    public var sameSite: SameSite?
    /// How long it lives, in whole seconds; `nil` is until the browser closes. `nil`.
    public var maxAge: Duration?

    /// A cookie; all has the JavaScript server's defaults.
    public init(
        name: String = "io", path: String? = "/", domain: String? = nil, httpOnly: Bool = true, secure: Bool = false,
        partitioned: Bool = false, sameSite: SameSite? = .lax, maxAge: Duration? = nil
    ) {
        self.name = name
        self.path = path
        self.domain = domain
        self.httpOnly = httpOnly
        self.secure = secure
        self.partitioned = partitioned
        self.sameSite = sameSite
        self.maxAge = maxAge
    }

    /// What follows the value.
    var attributes: String {
        var text = ""
        if let maxAge { text += "; Max-Age=\(maxAge.components.seconds)" }
        if let domain { text += "; Domain=\(domain)" }
        if let path { text += "; Path=\(path)" }
        if httpOnly { text += "; HttpOnly" }
        if secure { text += "; Secure" }
        if partitioned { text += "; Partitioned" }
        if let sameSite { text += "; SameSite=\(sameSite.rawValue)" }
        return text
    }
}

/// Writes the cookies of sessions; what is the same in all of them is put together once.
struct SessionCookieWriter {
    private let start: String
    private let attributes: String

    init(_ cookie: SessionCookie) {
        self.start = cookie.name + "="
        self.attributes = cookie.attributes
    }

    /// The value of `set-cookie` for the session. What a cookie's value may not hold is percent-encoded.
    func field(_ id: String) -> String { start + Self.encoded(id) + attributes }

    private static func encoded(_ id: String) -> String {
        guard !id.utf8.allSatisfy(isPlain) else { return id }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in id.utf8 {
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
