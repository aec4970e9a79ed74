/// The program `junction`, and a client of each transport that it knows.
struct GatewayClients: Sendable {
    let junction: PeerProcess
    let port: String
    /// `Peers/hub_client.py`.
    let web: PeerProcess
    /// ncat.
    let tcp: PeerProcess
    /// ncat.
    let udp: PeerProcess

    /// Runs the program and the clients, which have greeted the others and have nothing left to read.
    static func run(_ body: @escaping @Sendable (GatewayClients) async throws -> Void) async throws {
        try await PeerProcess.run(.junction, ["serve", "--port", "0", "--silence", "60000"]) { junction in
            let port = String(try await junction.expect(prefix: "Junction listens on 127.0.0.1, port ").dropLast())
            while try await junction.nextLine() != "Stop it with Ctrl-C." {}
            try await PeerProcess.run(.python, ["hub_client", "http://127.0.0.1:\(port)"]) { web in
                try await web.expect("connected with socketio")
                try await PeerProcess.run(.ncat, ["127.0.0.1", port]) { tcp in
                    try await tcp.write("hello\n")
                    try await web.expect("joined tcp")
                    try await web.expect(#"tcp: "hello""#)
                    try await PeerProcess.run(.ncat, ["-u", "127.0.0.1", port]) { udp in
                        try await udp.write("hello\n")
                        try await web.expect("joined udp")
                        try await web.expect(#"udp: "hello\n""#)
                        try await tcp.expect("hello")
                        try await body(GatewayClients(junction: junction, port: port, web: web, tcp: tcp, udp: udp))
                    }
                }
            }
        }
    }
}
