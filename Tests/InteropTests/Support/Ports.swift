import NIOCore
import Testing

extension PeerProcess {
    /// The port in the next line, in which a server says where it waits.
    func port() async throws -> Int {
        let line = try await nextLine()
        return try #require(line.firstMatch(of: /[0-9]+/).flatMap { Int($0.output) }, "no port in “\(line)”")
    }
}

extension SocketAddress {
    /// The port as an argument of a peer.
    var portText: String {
        get throws { String(try #require(port)) }
    }
}
