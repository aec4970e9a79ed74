import JunctionCore
import NIOSSL
import Synchronization

/// The identities of a server by the name that a client asks for (SNI, RFC 6066 section 3).
struct ServerNames: Sendable {
    private var overrides: [String: NIOSSLContextConfigurationOverride] = [:]

    init(_ identities: [String: TLSIdentity]) {
        overrides = identities.mapValues(\.override)
    }

    /// The identity for `name`: by the exact name, else by the pattern for its first label, else none of its own.
    func override(for name: String) -> NIOSSLContextConfigurationOverride? {
        if let exact = overrides[name] { return exact }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return overrides["*" + name[dot...]]
    }

    /// How a name is compared: in lower case, without the dot of a fully qualified one.
    static func normalized(_ name: String) -> String {
        let name = name.lowercased()
        return name.last == "." ? String(name.dropLast()) : name
    }

    /// The name in a client's first message; `nil` if it holds what no name does, which would end up in logs.
    static func asked(_ name: String) -> String? {
        name.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? normalized(name) : nil
    }

    /// The keys of a table of identities, checked.
    static func checked(_ identities: [String: TLSIdentity]) throws -> [String: TLSIdentity] {
        try Dictionary(identities.map { (try checked($0), $1) }) { _, _ in
            throw NetworkError(.invalidArgument, "two identities have the same server name")
        }
    }

    /// `example.com`, or `*.example.com` for every name with one label more.
    static func checked(_ pattern: String) throws -> String {
        let name = normalized(pattern)
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isPattern = labels.first == "*" && labels.count > 1
        let isValid = (isPattern ? labels.dropFirst() : labels[...]).allSatisfy { label in
            !label.isEmpty && label.utf8.allSatisfy { $0 < 0x80 && $0 > 0x20 && $0 != UInt8(ascii: "*") }
        }
        guard isValid else {
            throw NetworkError(.invalidArgument, "“\(pattern)” is no server name: example.com or *.example.com")
        }
        return name
    }
}

/// The name that the client of one connection asked for.
///
/// NIOSSL asks for a certificate by a callback of the whole context, without saying for which connection; but it does so
/// while it handles the bytes of that connection. So the handler in front of it says whose bytes they are.
final class ServerName: Sendable {
    @TaskLocal static var ofCurrentHandshake: ServerName?

    private let name = Mutex<String?>(nil)

    var value: String? {
        get { name.withLock { $0 } }
        set { name.withLock { $0 = newValue } }
    }
}
