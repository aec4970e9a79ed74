import JunctionCore
import NIOCore
import TestSupport
import Testing

/// Many rules and many changes.
@Suite(.timeLimit(.minutes(5))) struct BlockListModelTests {
    @Test(
        "After each of many random changes the list answers as a search through all rules does",
        arguments: 1...6 as ClosedRange<UInt64>)
    func model(seed: UInt64) throws {
        var samples = AddressSamples(seed: seed)
        var random = SeededGenerator(seed: seed)
        let list = BlockList()
        var model: [BlockList.Rule: SampleRule] = [:]
        var matched = 0
        for _ in 0..<300 {
            let rules = try (0..<Int.random(in: 1...4, using: &random)).map { _ in
                let sample = samples.rule()
                return (try BlockList.Rule(parsing: sample.text), sample)
            }
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                list.replaceRules(with: rules.map(\.0))
                model = Dictionary(rules) { first, _ in first }
            case 1..<8:
                let gone = Array(model.keys.shuffled(using: &random).prefix(3))
                #expect(list.remove(contentsOf: gone) == gone.count)
                for rule in gone { model[rule] = nil }
            default:
                let before = model.count
                model.merge(rules) { first, _ in first }
                #expect(list.add(contentsOf: rules.map(\.0)) == model.count - before)
            }
            #expect(Set(list.rules) == Set(model.keys))
            for _ in 0..<20 {
                let sample = samples.address()
                let expected = model.values.contains { $0.matches(sample) }
                #expect(list.check(try IPAddress(parsing: sample.text)) == expected, "\(sample.text)")
                if expected { matched += 1 }
            }
        }
        #expect(matched > 500 && matched < 5_500, "\(matched) of 6,000 matched")
    }

    /// Every third address from 10.0.0.0 on.
    private func numbered(_ number: Int) -> IPAddress? {
        IPAddress(bytes: [10, UInt8(number >> 16 & 0xFF), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)])
    }

    @Test("A list of 100,000 rules matches those addresses and no others, also after removals")
    func large() throws {
        let count = 100_000
        var random = SeededGenerator(seed: 1)
        let numbers = (0..<count).map { $0 * 3 }.shuffled(using: &random)
        let list = BlockList(numbers.compactMap(numbered).map(BlockList.Rule.address))
        #expect(list.count == count)
        var wrong = 0
        for number in 0..<count * 3 {
            if let address = numbered(number), list.check(address) != (number % 3 == 0) { wrong += 1 }
        }
        #expect(wrong == 0)

        #expect(
            list.remove(
                contentsOf: stride(from: 0, to: count * 3, by: 6).compactMap(numbered).map(BlockList.Rule.address))
                == count / 2)
        for number in 0..<count * 3 {
            if let address = numbered(number), list.check(address) != (number % 6 == 3) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("Rules that are added one by one are in force at once, and all of them in the end")
    func oneByOne() throws {
        let count = 5_000  // many times what is kept apart as recent
        var random = SeededGenerator(seed: 2)
        let list = BlockList()
        for number in (0..<count).shuffled(using: &random) {
            let address = try #require(numbered(number * 3))
            #expect(!list.check(address))
            list.add(address)
            #expect(list.check(address))
        }
        var wrong = 0
        for number in 0..<count * 3 {
            if let address = numbered(number), list.check(address) != (number % 3 == 0) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("While tasks change the list, each sees its own changes, and what always matches goes on matching")
    func concurrent() async throws {
        let always = try SocketAddress(parsing: "10.0.0.1:80")
        let never = try SocketAddress(parsing: "10.1.0.1:80")
        let list = try BlockList(["10.0.0.0/24"])
        let wide = try BlockList.Rule(parsing: "10.0.0.0/16")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in UInt8(0)..<4 {
                group.addTask {
                    for number in UInt8.min...UInt8.max {
                        let own = try #require(IPAddress(bytes: [10, 2, task, number]))
                        #expect(list.add(own))
                        #expect(list.check(own))
                        #expect(list.check(always) && !list.check(never))
                        #expect(list.remove(own))
                        #expect(!list.check(own))
                    }
                }
            }
            group.addTask {
                for _ in 0..<300 {
                    #expect(list.add(wide))  // covers what always matches, and leaves it behind
                    #expect(list.check(always) && !list.check(never))
                    #expect(list.remove(wide))
                    #expect(list.check(always))
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<20_000 { #expect(list.check(always) && !list.check(never)) }
                }
            }
            try await group.waitForAll()
        }
        #expect(list.rules.map(\.description) == ["Subnet: IPv4 10.0.0.0/24"])
    }

    @Test("While all rules are replaced, no check sees a mixture or a gap")
    func concurrentReplacement() async throws {
        let both = try SocketAddress(parsing: "10.0.0.1:80")
        let one = try ["10.0.0.0/24", "10.0.1.0/24"].map { try BlockList.Rule(parsing: $0) }
        let other = try ["10.0.0.1", "10.0.2.0/24"].map { try BlockList.Rule(parsing: $0) }
        let list = BlockList(one)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<2_000 {
                    list.replaceRules(with: other)
                    list.replaceRules(with: one)
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<20_000 { #expect(list.check(both)) }
                    for _ in 0..<200 {
                        let rules = list.rules
                        #expect(rules == one || rules == other)
                    }
                }
            }
            await group.waitForAll()
        }
    }
}
