import JunctionGateway
import JunctionSocketIO
import Logging
import NIOCore
import RawClients
import Testing

/// A peer beyond a limit is dealt with alone; the others go on.
@Suite(.timeLimit(.minutes(5))) struct LimitTests {
    @Test("A line that is too long ends its connection, and is told to nobody")
    func longLine() async throws {
        var configuration = Gateway.Configuration.patient
        configuration.maximumLineLength = 100
        try await TestGateway.withClients(configuration) { clients in
            try await RawConnection.with(clients.address) { raw in
                try await raw.send(String(repeating: "x", count: 100) + "\n")
                let id = try await clients.web.expectJoin("tcp")
                try await clients.web.expect(.string(String(repeating: "x", count: 100)), from: id, "tcp")
                try await raw.send(String(repeating: "x", count: 101) + "\n")
                try await raw.expectEnd()
                let reason = try await clients.web.expectLeave(id)
                #expect(reason == "ERR_FRAME_TOO_LONG: read: a line is longer than 100 bytes")
            }
            try await clients.tcp.say("still here")
            try await clients.web.expect("still here", from: clients.tcpID, "tcp")
        }
    }

    @Test("A TCP client that does not read is cut off when too much waits for it")
    func slowClient() async throws {
        var configuration = Gateway.Configuration.patient
        configuration.maximumBufferedBytes = 1_000_000
        try await TestGateway.withClients(configuration) { clients in
            try await RawConnection.with(clients.address) { raw in
                try await raw.send("hello\n")
                let id = try await clients.web.expectJoin("tcp")
                try await clients.web.expect("hello", from: id, "tcp")
                // Line by line, each read by the client that listens, until the other one is gone.
                let line = String(repeating: "x", count: 50_000)
                var event: (name: String, argument: SocketIOValue)
                repeat {
                    try await clients.tcp.say(line)
                    event = try await clients.web.nextEvent()
                } while event.name == "message"
                #expect(event.name == "peer:leave")
                #expect(event.argument["id"]?.stringValue == id)
                #expect(event.argument["reason"]?.stringValue?.hasPrefix("ERR_PEER_TOO_SLOW") == true)
                try await clients.web.expect(.string(line), from: clients.tcpID, "tcp")
            }
            try await clients.tcp.say("still here")
            try await clients.web.expect("still here", from: clients.tcpID, "tcp")
        }
    }

    @Test("Datagrams of more peers than allowed are dropped and counted")
    func manyPeers() async throws {
        let log = LogRecorder()
        var configuration = Gateway.Configuration.patient
        configuration.maximumUDPPeers = 1
        try await TestGateway.run(configuration, logger: log.logger) { address in
            try await TestGateway.connect(to: address) { clients in
                try await DatagramClient.with(address) { other in
                    for _ in 1...4 { try await other.say("is there a place?") }
                    // The first one, and then ever more rarely.
                    for dropped in [1, 2, 4] {
                        let entry = try #require(await log.next("too many UDP peers, datagrams dropped"))
                        #expect(entry["dropped"] == "\(dropped)")
                        #expect(entry["limit"] == "1")
                    }
                }
                try await clients.udp.say("still here")
                try await clients.web.expect("still here", from: clients.udpID, "udp")
                #expect(try await clients.tcp.next() == "still here")
            }
        }
    }
}
