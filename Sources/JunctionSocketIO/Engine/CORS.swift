/// Which pages of other origins a browser lets talk to the server (Fetch standard, "CORS protocol").
///
/// A browser is let in (polling, WebSocket and upgrade alike) from the server's own origin and from those named here;
/// others are refused with 403. Clients that are not browsers send no `Origin` and are not concerned.
///
/// ```swift
/// options.engine.cors = .origins(["https://app.example"], credentials: true)
/// options.engine.cors = .matching { $0.hasSuffix(".example.com") }
/// options.engine.cors.maxAge = .seconds(600)
/// ```
public struct CORS: Sendable {
    enum Origins: Sendable {
        case sameOrigin
        case any
        case list(Set<String>)
        case matching(@Sendable (String) -> Bool)
    }

    let origins: Origins
    /// Lets the pages send cookies and other credentials. No.
    public var credentials = false
    /// The methods that a preflight allows. `GET` and `POST`, which is all that clients need.
    public var methods = ["GET", "POST"]
    /// The header fields that a preflight allows; `nil` allows those that the page asks for. `nil`.
    public var allowedHeaders: [String]?
    /// The fields of the server's answers that pages may read beside the ones they always may. None.
    public var exposedHeaders: [String] = []
    /// How long a browser may remember the answer to a preflight, in whole seconds; `nil` leaves it to the browser. `nil`.
    public var maxAge: Duration?
    /// The status of the answer to a preflight: 204, or 200 for old browsers that know no other. 204.
    public var optionsSuccessStatus = 204

    private init(_ origins: Origins, credentials: Bool = false) {
        self.origins = origins
        self.credentials = credentials
    }

    /// The server's own origin alone: the default.
    public static let sameOrigin = CORS(.sameOrigin)
    /// Pages of every origin. With ``credentials`` each is named in its answer, since browsers take no `*` then.
    public static let any = CORS(.any)
    /// The origins named, spelled as browsers send them: `https://example.com`, `http://localhost:8080`.
    ///
    /// - Parameter credentials: lets the pages send cookies.
    public static func origins(_ origins: Set<String>, credentials: Bool = false) -> CORS {
        CORS(.list(origins), credentials: credentials)
    }
    /// The origins for which `isAllowed` is true. It is called on an event loop for each request with a foreign `Origin`, and
    /// must not block.
    ///
    /// - Parameter credentials: lets the pages send cookies.
    public static func matching(
        credentials: Bool = false, _ isAllowed: @escaping @Sendable (_ origin: String) -> Bool
    ) -> CORS {
        CORS(.matching(isAllowed), credentials: credentials)
    }
}
