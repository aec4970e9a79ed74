import JunctionUDP
import NIOCore
import TestSupport
import Testing

@Suite("UDP server", .timeLimit(.minutes(5)))
struct UDPServerTests {
    private func servers() -> [UDPServer] {
        [
            UDPServer(host: "127.0.0.1", port: 0) { datagram, socket in
                try await socket.send(datagram.payload, to: datagram.sender)
            },
            UDPServer(
                host: "127.0.0.1", port: 0,
                onDatagram: { datagram, socket in socket.send(datagram.payload, to: datagram.sender) }),
        ]
    }

    @Test("sends back what came, whatever its size", arguments: [0, 1, 1_472, 65_507])
    func echo(size: Int) async throws {
        let payload = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) })
        for server in servers() {
            try await server.withListening { address in
                try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { socket in
                    try await socket.send(payload, to: address)
                    let datagram = try #require(try await socket.receive())
                    #expect(datagram.payload == payload)
                    #expect(datagram.sender == address)
                }
            }
        }
    }

    @Test("serves many clients, each with its own answers")
    func manyClients() async throws {
        for server in servers() {
            try await server.withListening { address in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<20 {
                        group.addTask {
                            try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { socket in
                                for message in 0..<10 {
                                    let text = "client \(client) message \(message)"
                                    try await socket.send(text, to: address)
                                    #expect(try await socket.receiveText() == text)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("handles datagrams one after another, in their order")
    func serial() async throws {
        let (gate, handled) = (Gate(), Box<String>())
        let server = UDPServer(host: "127.0.0.1", port: 0) { datagram, _ in
            let text = String(buffer: datagram.payload)
            handled.put("begin \(text)")
            if text == "0" { await gate.wait() }
            handled.put("end \(text)")
        }
        try await server.withListening { address in
            try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { socket in
                for number in 0..<3 { try await socket.send("\(number)", to: address) }
            }
            #expect(await handled.take() == "begin 0")
            gate.open()
            for expected in ["end 0", "begin 1", "end 1", "begin 2", "end 2"] {
                #expect(await handled.take() == expected)
            }
        }
    }

    @Test("a handler that throws ends that call alone")
    func throwingHandler() async throws {
        struct Failure: Error {}
        let servers = [
            UDPServer(host: "127.0.0.1", port: 0) { datagram, socket in
                if datagram.payload == ByteBuffer(string: "fail") { throw Failure() }
                try await socket.send(datagram.payload, to: datagram.sender)
            },
            UDPServer(
                host: "127.0.0.1", port: 0,
                onDatagram: { datagram, socket in
                    if datagram.payload == ByteBuffer(string: "fail") { throw Failure() }
                    socket.send(datagram.payload, to: datagram.sender)
                }),
        ]
        for server in servers {
            try await server.withListening { address in
                try await UDPSocket.withSocket(host: "127.0.0.1", port: 0) { socket in
                    try await socket.send("fail", to: address)
                    try await socket.send("still served", to: address)
                    #expect(try await socket.receiveText() == "still served")
                }
            }
        }
    }

    @Test("handles what it has received when it is cancelled, and returns")
    func drains() async throws {
        let (gate, handled, addresses) = (Gate(), Box<String>(), Box<SocketAddress>())
        let server = UDPServer(host: "127.0.0.1", port: 0) { datagram, socket in
            let text = String(buffer: datagram.payload)
            handled.put(text)
            if text == "first" { await gate.wait() }
            try await socket.send("handled \(text)", to: datagram.sender)
        }
        let running = Task { try await server.run { addresses.put($0) } }
        let address = try #require(await addresses.take())
        let socket = try await UDPSocket.local()
        try await socket.send("first", to: address)
        #expect(await handled.take() == "first")
        running.cancel()
        gate.open()
        #expect(try await socket.receiveText() == "handled first")
        try await running.value
        socket.close()
    }

    @Test("a handler that does not return is cancelled at the drain deadline")
    func drainDeadline() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.drainTimeout = .zero
        let (gate, handled) = (Gate(), Box<Bool>())
        let server = UDPServer(host: "127.0.0.1", port: 0, configuration: configuration) { _, _ in
            handled.put(false)
            await gate.wait()
            handled.put(Task.isCancelled)
        }
        try await server.withListening { address in
            let socket = try await UDPSocket.local()
            try await socket.send("hello", to: address)
            await handled.take()
            socket.close()
        }
        #expect(await handled.take() == true)
    }

    @Test("frees its port when it is cancelled, and can run again")
    func runsAgain() async throws {
        for server in servers() {
            let address = try await server.withListening { $0 }
            let socket = try await UDPSocket.bind(host: "127.0.0.1", port: try #require(address.port))
            socket.close()
            _ = try await server.withListening { $0 }
        }
    }

    @Test("says plainly that another program has its port")
    func addressInUse() async throws {
        try await servers()[0].withListening { address in
            let port = try #require(address.port)
            let second = UDPServer(host: "127.0.0.1", port: port) { _, _ in }
            let error = await networkError { try await second.run() }
            #expect(
                error?.description
                    == "EADDRINUSE: listen on 127.0.0.1:\(port): another program listens there already")
        }
    }
}
