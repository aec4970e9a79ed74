import Foundation
import NIOCore
import TestSupport
import Testing

@testable import JunctionTCP

@Suite("Many TCP connections", .timeLimit(.minutes(5)))
struct ManyConnectionsTests {
    /// As many connections with both their ends as this process may have at the side of other tests, up to `wanted`.
    private static func possible(_ wanted: Int) -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return 100 }
        limit.rlim_cur = min(limit.rlim_max, 10_000)
        _ = setrlimit(resource, &limit)
        return min(wanted, Int(clamping: limit.rlim_cur) / 4)
    }

    @Test("clients that connect and say nothing hold up nobody, and are let go of when the server stops")
    func silent() async throws {
        let count = Self.possible(2_000)
        let server = TCPServer.local(framing: .lines()) { connection in
            for try await line in connection.inbound { try await connection.write(line) }
        }
        let clients = try await server.withListening { address in
            try await TCPClient.withConnection(to: address, framing: .lines()) { talking in
                let clients = try await withThrowingTaskGroup(of: [TCPConnection].self) { group in
                    for part in 0..<20 {
                        group.addTask {
                            var clients: [TCPConnection] = []
                            for _ in 0..<count / 20 {
                                clients.append(try await TCPClient.connect(to: address))
                                if part == 0 {
                                    try await talking.write("hello")
                                    #expect(try await talking.readText() == "hello")
                                }
                            }
                            return clients
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                try await eventually { server.connectionCount == clients.count + 1 }
                return clients
            }
        }
        #expect(clients.count == count / 20 * 20)
        #expect(server.connectionCount == 0)
        #expect(server.droppedConnectionCount == 0)
        for client in clients {
            #expect(try await client.readText() == nil)
            client.close()
        }
        for client in clients { await client.waitUntilClosed() }
    }
}
