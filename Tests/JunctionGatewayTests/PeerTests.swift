import JunctionGateway
import JunctionSocketIO
import Logging
import NIOCore
import RawClients
import Testing

/// Who is there, as Socket.IO clients are told.
@Suite(.timeLimit(.minutes(5))) struct PeerTests {
    @Test("A Socket.IO client is told on connect who is there, itself included")
    func peers() async throws {
        try await TestGateway.withClients { clients in
            try await HubSocket.with(clients.address) { other in
                let peers = try await other.expectPeers()
                var transports: [String: String] = [:]
                var addresses: [String: String] = [:]
                for peer in peers {
                    let id = try #require(peer["id"]?.stringValue)
                    transports[id] = peer["transport"]?.stringValue
                    addresses[id] = peer["address"]?.stringValue
                    #expect(peer["since"]?.stringValue?.wholeMatch(of: /\d{4}-\d\d-\d\dT[\d:.]+Z/) != nil)
                }
                #expect(
                    transports == [
                        clients.web.id: "socketio", clients.tcpID: "tcp", clients.udpID: "udp", other.id: "socketio",
                    ])
                #expect(addresses[clients.tcpID] == clients.tcp.address)
                #expect(addresses[clients.udpID] == clients.udp.address)
                #expect(addresses[other.id]?.hasPrefix("127.0.0.1") == true)
            }
        }
    }

    @Test("Socket.IO clients are told who of Socket.IO comes and goes")
    func socketIO() async throws {
        try await TestGateway.withClients { clients in
            let id = try await HubSocket.with(clients.address) { other in
                try await other.expectPeers()
                #expect(try await clients.web.expectJoin("socketio") == other.id)
                return other.id
            }
            #expect(try await clients.web.expectLeave(id) == "transport close")
        }
    }

    @Test("Socket.IO clients are told when a TCP client leaves")
    func tcp() async throws {
        try await TestGateway.withClients { clients in
            clients.tcp.finish()
            let reason = try await clients.web.expectLeave(clients.tcpID)
            #expect(reason == "closed by the peer")
            #expect(try await clients.tcp.next() == nil)
        }
    }

    /// Serves while `body` runs with a TCP client that has said nothing and was taken for a raw one, and a UDP client. A
    /// client that speaks HTTP would have to be quicker than the gateway's patience.
    private func withSilentClient<Client>(
        _ connect: @escaping @Sendable (SocketAddress, (Client) async throws -> Void) async throws -> Void,
        _ body: @escaping @Sendable (Client, DatagramClient, LogRecorder) async throws -> Void
    ) async throws {
        var configuration = Gateway.Configuration.patient
        configuration.sniffPatience = .milliseconds(1)
        let log = LogRecorder()
        try await TestGateway.run(configuration, logger: log.logger) { address in
            try await connect(address) { silent in
                #expect(await log.next("peer joined")?["transport"] == "tcp")
                try await DatagramClient.with(address) { try await body(silent, $0, log) }
            }
        }
    }

    @Test("A TCP client that says nothing hears the others, and may speak later")
    func silentClient() async throws {
        try await withSilentClient(LineClient.with) { silent, udp, _ in
            try await udp.say("who is there?")
            #expect(try await silent.next() == "who is there?")
            try await silent.say("me")
            #expect(try await udp.next() == "me")
        }
    }

    @Test("HTTP that arrives from a client that was taken for a raw one is answered, and the raw peer leaves")
    func lateHTTP() async throws {
        try await withSilentClient({ try await RawConnection.with($0, $1) }) { silent, udp, log in
            try await udp.say("who is there?")
            #expect(try await silent.read() == ByteBuffer(string: "who is there?\n"))
            try await silent.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            #expect(try await silent.response().status == 200)
            #expect(await log.next("peer left")?["transport"] == "tcp")
        }
    }
}
