import Foundation
import JunctionCore
import NIOCore
import TestSupport
import Testing

/// Addresses and block lists as Node's `net` reads, prints and matches them, answer by answer.
@Suite(.timeLimit(.minutes(5)), Peer.node.requirement) struct AddressInteropTests {
    /// One line to `Peers/addresses.js`.
    private struct Question<Subject: Encodable & Sendable>: Encodable {
        var ask: String
        var of: Subject
    }

    /// Asks Node about each subject and hands its answers out, in their order.
    private func ask<Answer: Decodable & Sendable>(
        _ question: String, of subjects: [some Encodable & Sendable], as type: Answer.Type
    ) async throws -> [Answer] {
        let lines = try subjects.map {
            String(decoding: try JSONEncoder().encode(Question(ask: question, of: $0)), as: UTF8.self) + "\n"
        }
        return try await PeerProcess.run(.node, ["addresses"]) { node in
            async let writing: Void = {
                try await node.write(lines.joined())
                try await node.finishInput()
            }()
            var answers: [Answer] = []
            for _ in lines {
                answers.append(try JSONDecoder().decode(Answer.self, from: Data(try await node.nextLine().utf8)))
            }
            try await writing
            try await node.expectEnd()
            return answers
        }
    }

    @Test("The version of a text is what Node's net.isIP answers", arguments: [1, 2] as [UInt64])
    func isIP(seed: UInt64) async throws {
        var samples = AddressSamples(seed: seed)
        let texts = (0..<3_000).flatMap { _ in [samples.text(), samples.damagedText()] }
        let answers = try await ask("isIP", of: texts, as: Int.self)
        for (text, answer) in zip(texts, answers) where !Self.differs(text) {
            #expect(IPAddress.version(of: text)?.rawValue ?? 0 == answer, "\(text.debugDescription)")
        }
        #expect(Set(answers) == [0, 4, 6])
    }

    /// Node's pattern allows letters, digits, `-`, `.` and `:` in a zone, which leaves out names that interfaces have,
    /// such as `br_lan`.
    private static func differs(_ text: String) -> Bool {
        guard let zone = IPAddress(text)?.zone else { return false }
        return !zone.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"): true
            default: false
            }
        }
    }

    @Test("Where the version of a text is not what Node's net.isIP answers, the zone is the reason")
    func differentZones() async throws {
        let long = "fe80::1%" + String(repeating: "a", count: IPAddress.maximumZoneLength + 1)
        // An interface may be called so; Node has no limit, Junction limits what it keeps of a text.
        let texts = ["fe80::1%br_lan", "fe80::1%eth0@if7", long]
        #expect(try await ask("isIP", of: texts, as: Int.self) == [0, 0, 6])
        #expect(texts.map { IPAddress.version(of: $0)?.rawValue } == [6, 6, nil])
    }

    @Test("An address is printed as Node's net.SocketAddress prints it", arguments: [3, 4] as [UInt64])
    func canonical(seed: UInt64) async throws {
        var samples = AddressSamples(seed: seed)
        // Damaged text shows that both refuse the same; a zone, which Node drops unread, is left out.
        let texts = (0..<3_000).flatMap { _ in [samples.text(), samples.damagedText()] }.filter { !$0.contains("%") }
        let answers = try await ask("canonical", of: texts, as: String?.self)
        var same = 0
        for (text, answer) in zip(texts, answers) where !text.contains("\0") && !Self.isIPv4Compatible(text) {
            #expect(IPAddress(text)?.description == answer, "\(text.debugDescription)")
            if answer != nil { same += 1 }
        }
        #expect(same > 2_000)
    }

    /// `::1.2.3.4`, deprecated by RFC 4291, section 2.5.5.1.
    private static func isIPv4Compatible(_ text: String) -> Bool {
        guard let address = IPAddress(text), address.version == .v6 else { return false }
        return address.bytes.prefix(12).allSatisfy { $0 == 0 }
    }

    @Test("Where an address is not printed as Node prints it, RFC 5952, the zone or a zero byte is the reason")
    func differentlyPrinted() async throws {
        // Node writes the deprecated IPv4-compatible addresses with dots, drops zones, and reads no further than a zero
        // byte, so that two programs could see two addresses in one text.
        let texts = ["::1.2.3.4", "fe80::1%eth0", "1.2.3.4\0.5.6.7"]
        #expect(try await ask("canonical", of: texts, as: String?.self) == ["::1.2.3.4", "fe80::1", "1.2.3.4"])
        #expect(texts.map { IPAddress($0)?.description } == ["::102:304", "fe80::1%eth0", nil])
    }

    // MARK: Block lists

    /// A method of Node's `BlockList` with its arguments.
    private struct Call: Encodable, Sendable {
        var rule: SampleRule

        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            switch rule {
            case .address(let address):
                try container.encode("addAddress")
                try container.encode(address.text)
            case .range(let first, let last):
                try container.encode("addRange")
                try container.encode(first.text)
                try container.encode(last.text)
            case .subnet(let address, let length):
                try container.encode("addSubnet")
                try container.encode(address.text)
                try container.encode(length)
            }
        }
    }

    private struct Subject: Encodable, Sendable {
        var rules: [Call]
        var check: [String]
    }

    private struct Answer: Decodable, Sendable {
        var rules: [String]
        var matches: [Bool]
    }

    @Test("A block list has the rules and the matches of Node's net.BlockList", arguments: [5, 6] as [UInt64])
    func blockLists(seed: UInt64) async throws {
        var samples = AddressSamples(seed: seed)
        var lists: [(rules: [SampleRule], addresses: [SampleAddress])] = []
        for _ in 0..<60 {
            // Each rule once and networks without bits after the prefix: the next test shows those differences.
            var seen: Set<BlockList.Rule> = []
            let rules = try (0..<12).map { _ in samples.rule() }.filter { sample in
                let rule = try BlockList.Rule(parsing: sample.text)
                if case .subnet(let address, _) = sample, case .subnet(let prefix) = rule,
                    prefix.address.bytes != address.bytes
                {
                    return false
                }
                return seen.insert(rule).inserted
            }
            lists.append((rules, (0..<60).map { _ in samples.address() }))
        }
        let subjects = lists.map { Subject(rules: $0.rules.map(Call.init(rule:)), check: $0.addresses.map(\.text)) }
        let answers = try await ask("block", of: subjects, as: Answer.self)
        for (list, answer) in zip(lists, answers) {
            let own = BlockList()
            for rule in list.rules { try own.add(rule.text) }
            #expect(own.rules.map(\.description) == answer.rules)
            #expect(try list.addresses.map { own.check(try IPAddress(parsing: $0.text)) } == answer.matches)
            // Node's toJSON is its rules, and what it takes is what it gives.
            let json = String(decoding: try JSONEncoder().encode(answer.rules), as: UTF8.self)
            #expect(try BlockList(json: json).rules == own.rules)
            #expect(try JSONDecoder().decode([String].self, from: Data(own.json.utf8)) == answer.rules)
        }
        #expect(Set(answers.flatMap(\.matches)) == [true, false])
    }

    @Test("Where a block list differs from Node's, it is on purpose")
    func differentLists() async throws {
        let ten = SampleAddress([10, 1, 2, 3])
        let mapped = SampleAddress(ten.mapped)
        let lowest = SampleAddress([UInt8](repeating: 0, count: 16))
        let highest = SampleAddress([UInt8](repeating: 0xFF, count: 16))
        let rules: [[SampleRule]] = [
            // Node lists a rule as often as it was added. Here a rule is there or not, so that it can be removed.
            [.address(ten), .address(ten)],
            // Node shows the bits after the prefix, which mean nothing. Here equal networks are equal rules.
            [.subnet(ten, length: 8)],
            // In Node an IPv6 range has IPv4-mapped addresses, but not the same addresses as IPv4, though its networks
            // have both. Here the two forms always get the same answer, whichever family a listener has.
            [.range(lowest, highest)],
        ]
        let check = [ten.text, mapped.text]
        let answers = try await ask(
            "block", of: rules.map { Subject(rules: $0.map(Call.init(rule:)), check: check) }, as: Answer.self)
        #expect(
            answers.map(\.rules) == [
                ["Address: IPv4 10.1.2.3", "Address: IPv4 10.1.2.3"], ["Subnet: IPv4 10.1.2.3/8"],
                ["Range: IPv6 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            ])
        #expect(answers.map(\.matches) == [[true, true], [true, true], [false, true]])

        let own = try rules.map { try BlockList($0.map(\.text)) }
        #expect(
            own.map { $0.rules.map(\.description) } == [
                ["Address: IPv4 10.1.2.3"], ["Subnet: IPv4 10.0.0.0/8"],
                ["Range: IPv6 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            ])
        for list in own { #expect(try check.map { list.check(try IPAddress(parsing: $0)) } == [true, true]) }
    }
}
