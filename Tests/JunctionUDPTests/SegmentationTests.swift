import CJunctionUDP
import NIOCore
import TestSupport
import Testing

@testable import JunctionUDP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Datagrams that the kernel cuts from one message, or joins to one. Loopback cuts and joins as network cards do.
@Suite("UDP segmentation", .enabled(if: kernelSegments, "the kernel cuts no messages"), .timeLimit(.minutes(5)))
struct SegmentationTests {
    /// Sends in one turn of the socket's loop.
    private static func queue(_ payloads: [(ByteBuffer, SocketAddress?)], on socket: UDPSocket) {
        for (payload, address) in payloads { socket.send(payload, to: address) }
    }

    private func payload(_ number: Int, _ size: Int) -> ByteBuffer {
        ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: size)
    }

    /// Takes that many datagrams, which must be those of ``payload(_:_:)`` from 0 on.
    private func expect(_ count: Int, of size: Int, on receiver: UDPSocket) async throws {
        for number in 0..<count {
            let received = try #require(try await receiver.receive())
            #expect(received.payload == payload(number, size))
        }
    }

    private func receiver(_ configuration: UDPSocket.Configuration = .init()) async throws -> UDPSocket {
        var configuration = configuration
        configuration.receiveBufferSize = 4 << 20
        return try await .local(configuration)
    }

    @Test("what is sent to 16 peers in one turn leaves in one system call, as one message for each peer")
    func oneCall() async throws {
        var receivers: [UDPSocket] = []
        for _ in 0..<16 { receivers.append(try await receiver()) }
        let (all, addresses) = (receivers, receivers.map(\.localAddress))
        try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
            Self.queue((0..<128).map { (payload($0, 64), addresses[$0 % 16]) }, on: socket)
            #expect(await socket.sendQueueCount == 128)
            #expect(await socket.sendQueueSize == 128 * 64)
            for (index, receiver) in all.enumerated() {
                for round in 0..<8 {
                    let datagram = try #require(try await receiver.receive())
                    #expect(datagram.payload == payload(round * 16 + index, 64))
                }
            }
            let statistics = await socket.statistics
            #expect(statistics.sent == 128 && statistics.sentBytes == 128 * 64)
            #expect(statistics.sendMessages == 16)
            #expect(statistics.sendCalls == 1)
            #expect(await socket.sendQueueCount == 0)
        }
        for receiver in receivers { receiver.close() }
    }

    @Test("a socket that must not use it sends as many messages as datagrams, in one system call")
    func switchedOff() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.segmentsOnSend = false
        let receiver = try await receiver()
        let address = receiver.localAddress
        try await UDPSocket.withSocket(host: "127.0.0.1", configuration: configuration) { socket in
            Self.queue((0..<20).map { (payload($0, 64), address) }, on: socket)
            try await expect(20, of: 64, on: receiver)
            let statistics = await socket.statistics
            #expect(statistics.sendMessages == 20)
            #expect(statistics.sendCalls == 1)
        }
        receiver.close()
    }

    @Test("a kernel that refuses to cut a message gets its datagrams one by one, and nothing is lost")
    func refusal() async throws {
        let descriptor = try openLoopbackSocket()
        // Linux cuts no messages for a socket that sends without checksums: EINVAL.
        var on: CInt = 1
        try #require(setsockopt(descriptor, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(MemoryLayout<CInt>.size)) == 0)
        let receiver = try await receiver()
        let address = receiver.localAddress
        let socket = try await UDPSocket.adopting(descriptor: descriptor)
        for round in 0..<3 {
            Self.queueAtOnce((0..<10).map { (payload($0, 100), address) }, on: socket)
            try await expect(10, of: 100, on: receiver)
            let statistics = await socket.statistics
            #expect(statistics.sent == (round + 1) * 10 && statistics.failedSends == 0)
        }
        // Refused once: datagrams of this size are not gathered any more.
        #expect(await socket.statistics.sendCalls == 4)
        socket.close()
        receiver.close()
    }

    @Test("the error of a message is that of its first datagram, and the others are still sent")
    func errorInRun() async throws {
        // Nobody else has it: the tests that run beside this one are given ports of the range for that.
        let (host, port) = ("127.0.0.77", 21_077)
        let socket = try await UDPSocket.connect(host: host, port: port)
        try await socket.send("refused")
        let refused = await networkError { _ = try await socket.receive() }
        #expect(refused?.code == .connectionRefused)
        let late = try await UDPSocket.bind(host: host, port: port)
        Self.queueAtOnce((0..<5).map { (payload($0, 10), nil) }, on: socket)
        try await expect(5, of: 10, on: late)
        socket.close()
        late.close()
    }

    @Test("datagrams that the kernel has joined are separated again")
    func joined() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.joinsOnReceive = true
        configuration.batchSize = 1  // so that one read brings all of them only if they are joined
        let receiver = try await receiver(configuration)
        let address = receiver.localAddress
        try await UDPSocket.withSocket(host: "127.0.0.1") { socket in
            Self.queue((0..<21).map { (payload($0, $0 == 20 ? 7 : 50), address) }, on: socket)
            for number in 0..<21 {
                let datagram = try #require(try await receiver.receive())
                #expect(datagram.payload == payload(number, number == 20 ? 7 : 50))
                #expect(datagram.sender == socket.localAddress)
            }
        }
        let statistics = await receiver.statistics
        #expect(statistics.received == 21 && statistics.receivedBytes == 20 * 50 + 7)
        #expect(statistics.receiveBatches == 1)
        receiver.close()
    }

    /// Sends in one turn of the socket's loop, from a task that runs elsewhere.
    private static func queueAtOnce(_ payloads: [(ByteBuffer, SocketAddress?)], on socket: UDPSocket) {
        socket.onLoop { _ in queue(payloads, on: socket) }
    }
}

/// Whether this kernel cuts messages into datagrams.
private let kernelSegments: Bool = {
    guard let descriptor = try? openLoopbackSocket() else { return false }
    defer { close(descriptor) }
    return junction_udp_can_segment(descriptor) != 0
}()
