import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import JunctionUDP

/// What is lost, cut off or refused is counted.
@Suite("What a UDP socket counts", .timeLimit(.minutes(5)))
struct LossTests {
    @Test("flags what is larger than the receiver allows, and only that", arguments: [false, true])
    func truncated(connected: Bool) async throws {
        var configuration = UDPSocket.Configuration()
        configuration.maximumDatagramSize = 8
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local(configuration))
        if connected { try await receiver.connect(to: try #require(sender.localAddress)) }
        for text in ["0123456789", "01234567", "", String(repeating: "x", count: 60_000), "next"] {
            try await sender.send(text, to: receiver.localAddress)
            let datagram = try #require(try await receiver.receive())
            #expect(String(buffer: datagram.payload) == text.prefix(8))
            #expect(datagram.isTruncated == (text.count > 8))
        }
        let statistics = await receiver.statistics
        #expect(statistics.received == 5 && statistics.truncated == 2 && statistics.receivedBytes == 8 * 3 + 4)
        sender.close()
        receiver.close()
    }

    @Test("a full queue drops as its policy says, counts, and logs ever more rarely")
    func overflow() async throws {
        for (policy, kept) in [(UDPSocket.OverflowPolicy.dropOldest, 16..<20), (.dropNewest, 0..<4)] {
            let lines = Mutex<[String]>([])
            var configuration = UDPSocket.Configuration()
            configuration.queueLimit = 4
            configuration.overflowPolicy = policy
            let logger = Logger(label: "test") { _ in LineLog { line in lines.withLock { $0.append(line) } } }
            let receiver = try await UDPSocket.bind(host: "127.0.0.1", configuration: configuration, logger: logger)
            let sender = try await UDPSocket.local()
            for number in 0..<20 { try await sender.send("\(number)", to: receiver.localAddress) }
            while await receiver.statistics.droppedByOverflow < 16 { await Task.yield() }
            for number in kept { #expect(try await receiver.receiveText() == "\(number)") }
            #expect(await receiver.statistics.received == 20)
            #expect(lines.withLock { $0 }.map { $0.contains("datagrams dropped") } == [true, true, true, true, true])
            sender.close()
            receiver.close()
        }
    }

    @Test("what the kernel drops because nobody reads is counted", .enabled(if: isLinux, "only Linux tells"))
    func kernelDrops() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.receiveBufferSize = 4_096
        let socket = try await UDPSocket.local(configuration)
        #expect(await socket.statistics.droppedByKernel == 0)
        // Sent to itself within one turn of its loop: it cannot read before all has come.
        let payload = String(repeating: "x", count: 500)
        socket.onLoop { _ in for _ in 0..<200 { socket.queue(payload, to: socket.localAddress) } }
        var statistics = await socket.statistics
        while statistics.received + (statistics.droppedByKernel ?? 0) < 200 {
            await Task.yield()
            statistics = await socket.statistics
        }
        #expect(statistics.sent == 200)
        #expect(statistics.droppedByKernel ?? 0 > 0)
        #expect(statistics.received > 0)
        socket.close()
        #expect(await socket.statistics == statistics)  // closing loses no counts
    }

    @Test("drops what comes from a blocked address and counts it")
    func blockedSender() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.receiveFilter.blockList = try BlockList(["127.0.0.2"])
        let receiver = try await UDPSocket.local(configuration)
        let (bad, good) = (try await UDPSocket.bind(host: "127.0.0.2"), try await UDPSocket.local())
        try await bad.send("blocked", to: receiver.localAddress)
        try await good.send("received", to: receiver.localAddress)
        #expect(try await receiver.receiveText() == "received")
        let statistics = await receiver.statistics
        #expect(statistics.blocked == 1 && statistics.received == 1)
        for socket in [receiver, bad, good] { socket.close() }
    }

    @Test("a send or a connection to a blocked address is refused")
    func blockedDestination() async throws {
        let list = BlockList()
        var configuration = UDPSocket.Configuration()
        configuration.sendFilter.blockList = list
        let (sender, receiver) = (try await UDPSocket.local(configuration), try await UDPSocket.local())
        let address = try #require(receiver.localAddress)
        try await sender.send("before", to: address)
        try list.add("127.0.0.0/8")
        #expect(await networkError { try await sender.send("blocked", to: address) }?.code == .addressBlocked)
        #expect(await networkError { try await sender.connect(to: address) }?.code == .addressBlocked)
        sender.queue("blocked", to: address)
        #expect(await sender.statistics.failedSends == 2)
        #expect(try await receiver.receiveText() == "before")
        sender.close()
        receiver.close()
    }

    @Test("several buffers, bytes and text go as one datagram each")
    func payloads() async throws {
        let (sender, receiver) = (try await UDPSocket.local(), try await UDPSocket.local())
        let address = receiver.localAddress
        try await sender.send(["one ", "data", "gram"].map { ByteBuffer(string: $0) }, to: address)
        try await sender.send([ByteBuffer](), to: address)
        try await sender.send([0x62, 0x79, 0x74, 0x65, 0x73] as [UInt8], to: address)
        try await sender.send("text", to: address)
        for text in ["one datagram", "", "bytes", "text"] { #expect(try await receiver.receiveText() == text) }
        let statistics = await sender.statistics
        #expect(statistics.sent == 4 && statistics.sentBytes == 21 && statistics.failedSends == 0)
        sender.close()
        receiver.close()
    }

    @Test("says where a datagram was sent to, if asked", .enabled(if: isLinux, "only Linux tells"))
    func destination() async throws {
        var configuration = UDPSocket.Configuration()
        configuration.reportsDestination = true
        for (any, host, expected) in [
            ("0.0.0.0", "127.0.0.9", "127.0.0.9"), ("::", "::1", "::1"), ("::", "127.0.0.9", "127.0.0.9"),
        ] {
            let receiver = try await UDPSocket.bind(host: any, configuration: configuration)
            try await UDPSocket.withSocket { sender in
                try await sender.send("hello", toHost: host, port: try #require(receiver.localAddress?.port))
            }
            let datagram = try #require(try await receiver.receive())
            #expect(datagram.destination?.ipAddress == expected)
            #expect(datagram.interfaceIndex ?? 0 > 0)
            receiver.close()
        }
        let silent = try await UDPSocket.local()
        try await silent.send("to myself", to: silent.localAddress)
        #expect(try await silent.receive()?.destination == nil)
        silent.close()
    }
}

#if os(Linux)
    let isLinux = true
#else
    let isLinux = false
#endif

/// Hands each line to a closure.
private struct LineLog: LogHandler {
    let write: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        write("\(event.message)")
    }
}
