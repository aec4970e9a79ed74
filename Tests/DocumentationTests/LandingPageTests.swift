import JunctionTCP
import JunctionUDP
import TestSupport
import Testing

/// The code of the landing pages.
@Suite("The landing pages")
struct LandingPageTests {
    private static func server() async throws {
        let server = TCPServer(port: 3000, framing: .lines()) { connection in
            for try await line in connection.inbound {
                try await connection.write("You said: \(String(buffer: line))")
            }
        }
        try await server.run()
    }

    private static func client() async throws {
        try await TCPClient.withConnection(host: "localhost", port: 3000, framing: .lines()) { connection in
            try await connection.write("Hello Server!")
            for try await line in connection.inbound {
                print(String(buffer: line))
                break
            }
        }
    }

    private static func datagrams() async throws {
        let server = UDPServer(port: 3000) { datagram, socket in
            try await socket.send("Hello Client!", to: datagram.sender)
        }
        try await server.run()
    }

    private static func sessions() async throws {
        let server = UDPServer(port: 3000, sessions: SessionLimits()) { session in
            for try await datagram in session.inbound {
                try await session.send(datagram.payload)
            }
        }
        try await server.run()
    }

    private static func socket() async throws {
        try await UDPSocket.withSocket { socket in
            try await socket.send("ping", toHost: "localhost", port: 3000)
            for try await datagram in socket.inbound {
                print(datagram.sender, String(buffer: datagram.payload))
                break
            }
        }
    }

    @Test("every example is in this file", arguments: [("JunctionTCP", 2), ("JunctionUDP", 3)])
    func inStep(module: String, count: Int) throws {
        let page = try Article("Sources/\(module)/\(module).docc/\(module).md")
        #expect(page.count == count)
        #expect(page.missing == [])
    }
}
