public import NIOCore
import Synchronization

/// A list of IP addresses, ranges and networks to tell some addresses from all others: Node's `net.BlockList`.
///
/// Any thread may change it at any time, also while servers use it: a change is in force when the call that makes it
/// returns, for all that is checked from then on. What is connected already stays connected.
///
/// ```swift
/// let blocked = try BlockList(["10.0.0.0/8", "192.0.2.1-192.0.2.9", "2001:db8::1"])
/// blocked.add(attacker)
/// blocked.check(attacker)      // true
/// print(blocked.rules)         // newest first: [Address: IPv4 203.0.113.7, Address: IPv6 2001:db8::1, …]
/// ```
///
/// An IPv4 address and its IPv4-mapped form (`::ffff:10.0.0.1`, as dual-stack listeners see it) count as the same address,
/// in rules and in what is checked. Zones of IPv6 addresses count for nothing.
///
/// ``check(_:)-(SocketAddress)`` allocates nothing and waits for nobody who changes the list: it searches the rules' merged
/// intervals, in a time that grows with the logarithm of their number. Adding a rule costs about the same at any size; a
/// removal costs a pass over all rules, so that many rules are best removed in one call. How many rules there are is up to
/// the program; only what it decodes has a limit.
public final class BlockList: Sendable {
    /// What readers search. Never changed, but replaced.
    private final class Snapshot: Sendable {
        /// Most of the rules.
        let settled: AddressIntervals
        /// Those that were added last; few, so that adding one more copies little.
        let recent: AddressIntervals

        init(settled: AddressIntervals = AddressIntervals(), recent: AddressIntervals = AddressIntervals()) {
            self.settled = settled
            self.recent = recent
        }

        func contains(_ key: UInt128) -> Bool { recent.contains(key) || settled.contains(key) }
    }

    private struct State {
        /// Each rule with the number of its addition.
        var rules: [Rule: Int] = [:]
        var nextNumber = 0
        var snapshot = Snapshot()

        /// Whether the rule was new.
        mutating func insert(_ rule: Rule) -> Bool {
            guard rules[rule] == nil else { return false }
            rules[rule] = nextNumber
            nextNumber += 1
            return true
        }
    }

    /// How many intervals the recent rules may take before they are merged with the others.
    private static let maximumRecent = 512

    /// For those who change the list, one at a time.
    private let state = Mutex(State())
    /// For readers, who hold it only while they take the reference.
    private let published = Mutex(Snapshot())

    /// A list without rules.
    public init() {}

    /// A list with these rules; the first one counts as the newest.
    public convenience init(_ rules: some Sequence<Rule>) {
        self.init()
        replaceRules(with: rules)
    }

    /// A list with rules from text, in the forms that ``Rule/init(_:)-(String)`` reads; the first one counts as the newest.
    ///
    /// - Throws: ``NetworkError`` with the code `invalidAddress` for the first text that is no rule.
    public convenience init(_ texts: some Sequence<String>) throws {
        self.init(try texts.map { try Rule(parsing: $0) })
    }

    /// A new list of the networks that are not the public internet, see ``IPPrefix/privateRanges``.
    ///
    /// A program that connects to wherever it is told to blocks them, so that nobody reaches inside its network through it.
    public static func privateRanges() -> BlockList { BlockList(IPPrefix.privateRanges.map(Rule.subnet)) }

    // MARK: Checking

    /// Whether a rule matches the address of the socket address. A Unix domain socket, which has none, never matches.
    public func check(_ address: SocketAddress) -> Bool {
        guard let key = address.key else { return false }
        return check(key: key)
    }

    /// Whether a rule matches the address.
    public func check(_ address: IPAddress) -> Bool { check(key: address.key) }

    func check(key: UInt128) -> Bool { published.withLock { $0 }.contains(key) }

    // MARK: Rules

    /// All rules, those first that were added last.
    public var rules: [Rule] {
        state.withLock { $0.rules }.sorted { $0.value > $1.value }.map(\.key)
    }

    /// How many rules there are.
    public var count: Int { state.withLock { $0.rules.count } }

    /// Whether there are no rules.
    public var isEmpty: Bool { count == 0 }

    /// Adds a rule; one that is in the list already stays where it is.
    ///
    /// - Returns: whether it was new.
    @discardableResult
    public func add(_ rule: Rule) -> Bool { add(contentsOf: CollectionOfOne(rule)) == 1 }

    /// Adds an address. Its zone is dropped.
    @discardableResult
    public func add(_ address: IPAddress) -> Bool { add(.address(address)) }

    /// Adds a range of addresses.
    @discardableResult
    public func add(_ range: IPAddressRange) -> Bool { add(.range(range)) }

    /// Adds a network.
    @discardableResult
    public func add(_ subnet: IPPrefix) -> Bool { add(.subnet(subnet)) }

    /// Adds a rule from text: `1.2.3.4`, `10.0.0.0/8`, `10.0.0.1-10.0.0.10`, or as ``rules`` shows it.
    ///
    /// - Returns: whether it was new.
    /// - Throws: ``NetworkError`` with the code `invalidAddress`.
    @discardableResult
    public func add(_ text: String) throws -> Bool { add(try Rule(parsing: text)) }

    /// Adds rules, in one change: no check sees only some of them. Each one counts as newer than the one before it.
    ///
    /// - Returns: how many were new.
    @discardableResult
    public func add(contentsOf rules: some Sequence<Rule>) -> Int {
        let rules = rules.map(\.withoutZone)
        return state.withLock { state in
            var added: [AddressInterval] = []
            for rule in rules where state.insert(rule) { added.append(rule.interval) }
            guard !added.isEmpty else { return 0 }
            let recent = state.snapshot.recent.union(AddressIntervals(added))
            let settled = state.snapshot.settled
            publish(
                recent.count <= Self.maximumRecent
                    ? Snapshot(settled: settled, recent: recent) : Snapshot(settled: settled.union(recent)), in: &state)
            return added.count
        }
    }

    /// Removes a rule. Addresses that other rules match stay matched.
    ///
    /// - Returns: whether it was in the list.
    @discardableResult
    public func remove(_ rule: Rule) -> Bool { remove(contentsOf: CollectionOfOne(rule)) == 1 }

    /// Removes the rule for that address, and no range or network in which it is.
    @discardableResult
    public func remove(_ address: IPAddress) -> Bool { remove(.address(address)) }

    /// Removes the rule for that range.
    @discardableResult
    public func remove(_ range: IPAddressRange) -> Bool { remove(.range(range)) }

    /// Removes the rule for that network.
    @discardableResult
    public func remove(_ subnet: IPPrefix) -> Bool { remove(.subnet(subnet)) }

    /// Removes a rule that is written as for ``add(_:)-(String)``.
    ///
    /// - Returns: whether it was in the list.
    /// - Throws: ``NetworkError`` with the code `invalidAddress`.
    @discardableResult
    public func remove(_ text: String) throws -> Bool { remove(try Rule(parsing: text)) }

    /// Removes rules, in one change, which costs as much as the removal of one.
    ///
    /// - Returns: how many of them were in the list.
    @discardableResult
    public func remove(contentsOf rules: some Sequence<Rule>) -> Int {
        let rules = rules.map(\.withoutZone)
        return state.withLock { state in
            let gone = rules.filter { state.rules.removeValue(forKey: $0) != nil }
            guard !gone.isEmpty else { return 0 }
            let holes = AddressIntervals(gone.lazy.map(\.interval))
            let kept = AddressIntervals(state.rules.keys.lazy.map(\.interval).filter(holes.intersects))
            let all = state.snapshot.settled.union(state.snapshot.recent)
            publish(Snapshot(settled: all.subtracting(holes).union(kept)), in: &state)
            return gone.count
        }
    }

    /// Removes all rules.
    public func removeAll() { replaceRules(with: []) }

    /// Puts other rules in the place of all that are there, in one change: no check sees a mixture. For a list that is
    /// read anew from a file. The first one counts as the newest, as in ``rules``.
    public func replaceRules(with rules: some Sequence<Rule>) {
        let rules = rules.map(\.withoutZone)
        let snapshot = Snapshot(settled: AddressIntervals(rules.lazy.map(\.interval)))
        state.withLock { state in
            state.rules = [:]
            for rule in rules.reversed() { _ = state.insert(rule) }
            publish(snapshot, in: &state)
        }
    }

    /// Readers see it from now on. The lock of the state is held, so that changes are published in their order.
    private func publish(_ snapshot: Snapshot, in state: inout State) {
        state.snapshot = snapshot
        published.withLock { $0 = snapshot }
    }
}
