import JunctionGateway
import JunctionSocketIO
import JunctionTCP
import JunctionUDP
import NIOCore
import RawClients
import TestSupport
import Testing

/// How a gateway begins and ends.
@Suite(.timeLimit(.minutes(5))) struct LifecycleTests {
    @Test("A gateway whose port another program has on TCP says so")
    func takenOnTCP() async throws {
        try await TCPServer(host: "127.0.0.1", port: 0) { _ in }.withListening { address in
            try await expectTaken(address.port)
        }
    }

    @Test("A gateway whose port another program has on UDP says so")
    func takenOnUDP() async throws {
        try await UDPSocket.withSocket(host: "127.0.0.1") { try await expectTaken($0.localAddress?.port) }
    }

    private func expectTaken(_ port: Int?) async throws {
        let port = try #require(port)
        let error = await networkError { try await Gateway(port: port, logger: .silent).run() }
        #expect(error?.code == .addressInUse)
        #expect(error?.message == "listen on 127.0.0.1:\(port): another program listens there already")
    }

    /// Runs a gateway until `stop` is called.
    private func run(_ body: (SocketAddress, _ stop: () -> Void) async throws -> Void) async throws {
        let listening = Box<SocketAddress>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Gateway(port: 0, configuration: .patient, logger: .silent).run { listening.put($0) }
            }
            try await body(try #require(await listening.take()), { group.cancelAll() })
            try await group.waitForAll()
        }
    }

    @Test("A gateway that ends closes its Socket.IO clients and ends its TCP clients")
    func drain() async throws {
        try await run { address, stop in
            try await TestGateway.connect(to: address) { clients in
                stop()
                let code = try await clients.web.closeCode()
                #expect(code == .normal)
                #expect(try await clients.tcp.next() == nil)
            }
        }
    }

    @Test("What a TCP client has sent before the gateway ends still reaches the others")
    func drainDelivers() async throws {
        try await run { address, stop in
            try await TestGateway.connect(to: address) { clients in
                try await LineClient.with(address) { other in
                    try await other.say("last words")
                    _ = try await clients.web.expectJoin("tcp")
                    stop()
                    #expect(try await clients.tcp.next() == "last words")
                    #expect(try await clients.tcp.next() == nil)
                    _ = try await clients.web.closeCode()
                }
            }
        }
    }

    @Test("A gateway that ends closes a client that has not said yet what it speaks")
    func drainUndecided() async throws {
        try await run { address, stop in
            try await RawConnection.with(address) { silent in
                // Accepted before this one, which the gateway has answered.
                _ = try await RawConnection.with(address) { try await $0.request("GET", "/") }
                stop()
                try await silent.expectEnd()
            }
        }
    }
}
