import JunctionWebSocket
import RawClients
import Testing

@Suite(.timeLimit(.minutes(5))) struct LocalNameTests {
    @Test(
        "A server for local names alone answers localhost and addresses, and nobody else's names",
        arguments: [
            ("localhost:3000", 404), ("127.0.0.1:3000", 404), ("[::1]:3000", 404), ("app.localhost", 404),
            ("attacker.example:3000", 421), ("localhost.attacker.example", 421),
        ])
    func names(host: String, status: Int) async throws {
        var configuration = WebServer.Configuration()
        configuration.localNamesOnly = true
        let web = WebServer(host: "127.0.0.1", port: 0, configuration: configuration, mounts: [])
        try await web.withListening { address in
            try await RawConnection.with(address) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                #expect(try await connection.response().status == status)
            }
        }
    }
}
