import JunctionUDP
import NIOCore
import TestSupport
import Testing

@Suite("UDP sessions", .timeLimit(.minutes(5)))
struct SessionTests {
    private func echo(
        _ limits: SessionLimits = .init(), _ configuration: UDPSocket.Configuration = .init(),
        begun: Box<SocketAddress> = Box(), ended: Box<SocketAddress> = Box()
    ) -> UDPServer {
        UDPServer(
            host: "127.0.0.1", port: 0, configuration: configuration, sessions: limits,
            onSession: { session in
                begun.put(session.remoteAddress)
                var count = 0
                for try await datagram in session.inbound {
                    count += 1
                    try await session.send("\(count) \(String(buffer: datagram.payload))")
                }
                ended.put(session.remoteAddress)
            })
    }

    @Test("each sender has a stream of its own, in order")
    func streams() async throws {
        try await echo().withListening { address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<20 {
                    group.addTask {
                        try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
                            for _ in 1...10 { try await socket.send("\(client)", to: address) }
                            for number in 1...10 { #expect(try await socket.receiveText() == "\(number) \(client)") }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a session ends when its peer has been silent for the idle timeout, and the next datagram begins another one")
    func idle() async throws {
        var limits = SessionLimits()
        limits.idleTimeout = .milliseconds(30)
        let (begun, ended) = (Box<SocketAddress>(), Box<SocketAddress>())
        try await echo(limits, begun: begun, ended: ended).withListening { address in
            try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
                for _ in 0..<2 {
                    try await socket.send("hello", to: address)
                    #expect(try await socket.receiveText() == "1 hello")
                    #expect(await begun.take() == socket.localAddress)
                    #expect(await ended.take() == socket.localAddress)
                }
            }
        }
    }

    @Test("a session ends when its handler returns, throws, or closes it, and the next datagram begins another one")
    func ends() async throws {
        struct Failure: Error {}
        let server = UDPServer(
            host: "127.0.0.1", port: 0,
            onSession: { session in
                for try await datagram in session.inbound {
                    try await session.send("got \(String(buffer: datagram.payload))")
                    switch String(buffer: datagram.payload) {
                    case "return": return
                    case "throw": throw Failure()
                    default: session.close()
                    }
                }
                try await session.send("closed")
            })
        try await server.withListening { address in
            try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
                for text in ["return", "throw", "close"] {
                    try await socket.send(text, to: address)
                    #expect(try await socket.receiveText() == "got \(text)")
                }
                #expect(try await socket.receiveText() == "closed")
                try await socket.send("close", to: address)
                #expect(try await socket.receiveText() == "got close")
            }
        }
    }

    @Test("there are no more sessions than allowed; what has no session is counted, and one that ends makes room")
    func maximum() async throws {
        var limits = SessionLimits()
        limits.maximumSessions = 2
        let sockets = Box<UDPSocket>()
        let server = UDPServer(
            host: "127.0.0.1", port: 0, sessions: limits,
            onSession: { session in
                sockets.put(session.socket)
                for try await datagram in session.inbound {
                    try await session.send(datagram.payload)
                    if datagram.payload == ByteBuffer(string: "end") { return }
                }
            })
        try await server.withListening { address in
            let clients = [try await UDPSocket.local(), try await UDPSocket.local(), try await UDPSocket.local()]
            for client in clients.prefix(2) {
                try await client.send("hello", to: address)
                #expect(try await client.receiveText() == "hello")
            }
            let socket = try #require(await sockets.take())
            try await clients[2].send("refused", to: address)
            while await socket.statistics.refusedBySessionLimit < 1 { await Task.yield() }
            try await clients[0].send("end", to: address)
            #expect(try await clients[0].receiveText() == "end")
            // The session ends soon after its answer: ask until there is room.
            let asking = Task {
                while !Task.isCancelled {
                    try await clients[2].send("taken", to: address)
                    await Task.yield()
                }
            }
            #expect(try await clients[2].receiveText() == "taken")
            asking.cancel()
            for client in clients { client.close() }
        }
    }

    @Test("a slow session loses its own datagrams alone, and they are counted")
    func slowSession() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.queueLimit = 4
        configuration.overflowPolicy = .dropNewest
        let (gate, sockets) = (Gate(), Box<UDPSocket>())
        let server = UDPServer(
            host: "127.0.0.1", port: 0, configuration: configuration,
            onSession: { session in
                sockets.put(session.socket)
                for try await datagram in session.inbound {
                    if datagram.payload == ByteBuffer(string: "wait") { await gate.wait() }
                    try await session.send(datagram.payload)
                }
            })
        try await server.withListening { address in
            let (slow, quick) = (try await UDPSocket.local(), try await UDPSocket.local())
            try await slow.send("wait", to: address)
            let socket = try #require(await sockets.take())
            for number in 0..<10 { try await slow.send("\(number)", to: address) }
            for number in 0..<10 {
                try await quick.send("\(number)", to: address)
                #expect(try await quick.receiveText() == "\(number)")
            }
            gate.open()
            #expect(try await slow.receiveText() == "wait")
            let dropped = await socket.statistics.droppedByOverflow
            // The reader may have taken “wait” before or after the first of them came.
            #expect(dropped == 6 || dropped == 5)
            for number in 0..<(10 - dropped) { #expect(try await slow.receiveText() == "\(number)") }
            slow.close()
            quick.close()
        }
    }

    @Test("a server that is cancelled ends its sessions behind what has come, and returns")
    func drains() async throws {
        let (gate, begun, addresses) = (Gate(), Box<Bool>(), Box<SocketAddress>())
        let server = UDPServer(
            host: "127.0.0.1", port: 0,
            onSession: { session in
                for try await datagram in session.inbound {
                    if datagram.payload == ByteBuffer(string: "1") {
                        begun.put(true)
                        await gate.wait()
                    }
                    try await session.send(datagram.payload)
                }
                try await session.send("ended")
            })
        let running = Task { try await server.run { addresses.put($0) } }
        let address = try #require(await addresses.take())
        let socket = try await UDPSocket.local()
        try await socket.send("1", to: address)
        await begun.take()
        running.cancel()
        gate.open()
        for text in ["1", "ended"] { #expect(try await socket.receiveText() == text) }
        try await running.value
        socket.close()
    }

    @Test("a session that does not end is cancelled at the drain deadline")
    func drainDeadline() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.drainTimeout = .zero
        let (begun, handled) = (Box<Bool>(), Box<Bool>())
        let gate = Gate()
        let server = UDPServer(
            host: "127.0.0.1", port: 0, configuration: configuration,
            onSession: { _ in
                begun.put(true)
                await gate.wait()
                handled.put(Task.isCancelled)
            })
        try await server.withListening { address in
            let socket = try await UDPSocket.local()
            try await socket.send("hello", to: address)
            await begun.take()
            socket.close()
        }
        #expect(await handled.take() == true)
    }
}
