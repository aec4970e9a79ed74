package import JunctionTLS
package import NIOCore
import NIOPosix
package import TestSupport

/// A TLS server on a free port of the loopback interface, without anything above it: what it receives it sends back.
package struct TLSTestServer: Sendable {
    package let address: SocketAddress
    /// The server's ends of the connections, in the order of acceptance.
    package let accepted: Box<TLSLink>

    /// Serves while `body` runs.
    ///
    /// - Parameter echoes: false leaves the answers, and the end of the server's side, to the test.
    package static func with<Result>(
        _ tls: ServerTLS, echoes: Bool = true, _ body: (TLSTestServer) async throws -> Result
    ) async throws -> Result {
        let accepted = Box<TLSLink>()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    accepted.put(try TLSLink(channel, echoes: echoes) { try tls.addHandlers(to: $0, doing: "serve") })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let outcome: Swift.Result<Result, any Error>
        do {
            guard let address = server.localAddress else { throw NetworkError(.invalidState, "no address") }
            outcome = .success(try await body(TLSTestServer(address: address, accepted: accepted)))
        } catch {
            outcome = .failure(error)
        }
        try await server.close()
        return try outcome.get()
    }
}
