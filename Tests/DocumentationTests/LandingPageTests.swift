import JunctionTCP
import TestSupport
import Testing

/// The code of the landing pages.
@Suite("The landing page of TCP")
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

    @Test("every example is in this file")
    func inStep() throws {
        let page = try Article("Sources/JunctionTCP/JunctionTCP.docc/JunctionTCP.md")
        #expect(page.count == 2)
        #expect(page.missing == [])
    }
}
