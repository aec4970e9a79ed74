import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import JunctionUDP

/// Sessions in virtual time.
@Suite("UDP session table") struct SessionTableTests {
    private let loop = EmbeddedEventLoop()

    private func table(maximum: Int = 200_000, idle: TimeAmount = .seconds(10)) -> SessionTable {
        SessionTable(eventLoop: loop, idleTimeout: idle, maximum: maximum) {
            DatagramInbox(limit: 1_000, policy: .dropOldest)
        } onNewSession: { _, _ in
        }
    }

    private func datagram(_ number: Int) throws -> Datagram {
        let address = "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
        return Datagram(sender: try SocketAddress(ipAddress: address, port: 9), payload: ByteBuffer(integer: number))
    }

    private func time(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test("sessions expire in the order of their last datagram, each after the idle timeout")
    func expiry() throws {
        let table = table()
        for number in 0..<5 { _ = table.receive(try datagram(number), now: time(Int64(number))) }
        _ = table.receive(try datagram(0), now: time(5))
        table.expire(now: time(10))
        #expect(table.count == 5)
        table.expire(now: time(11))
        #expect(table.count == 4)
        table.expire(now: time(14))
        #expect(table.count == 1)
        table.expire(now: time(15))
        #expect(table.count == 0)
    }

    @Test("100,000 sessions are found again, used in any order, and expire all, oldest first")
    func many() throws {
        let table = table()
        let count = 100_000
        for number in 0..<count { _ = table.receive(try datagram(number), now: time(0)) }
        #expect(table.count == count)
        var random = SeededGenerator(seed: 1)
        let again = (0..<count).shuffled(using: &random).prefix(1_000)
        for number in again { _ = table.receive(try datagram(number), now: time(3)) }
        #expect(table.count == count)
        table.expire(now: time(12))
        #expect(table.count == 1_000)
        table.expire(now: time(13))
        #expect(table.count == 0)
    }

    @Test("places are used again, and an ended session ends once")
    func places() throws {
        let table = table(maximum: 2)
        var random = SeededGenerator(seed: 2)
        for round in 0..<500 {
            let number = Int.random(in: 0..<5, using: &random)
            let outcome = table.receive(try datagram(number), now: time(Int64(round)))
            #expect(outcome != .overflow && table.count <= 2)
            if round % 7 == 0 { table.expire(now: time(Int64(round) + 10)) }
        }
        table.endAll()
        if case .refused = table.receive(try datagram(1), now: time(0)) {} else { Issue.record("began a session") }
    }
}
