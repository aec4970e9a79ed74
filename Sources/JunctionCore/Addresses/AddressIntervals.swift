/// Addresses from one to another, both included, as IPv6 numbers.
struct AddressInterval: Hashable, Sendable {
    var lower: UInt128
    var upper: UInt128

    /// `lower` is not above `upper`.
    init(_ lower: UInt128, _ upper: UInt128) {
        self.lower = lower
        self.upper = upper
    }

    func contains(_ key: UInt128) -> Bool { lower <= key && key <= upper }
}

/// A set of addresses: intervals in ascending order that neither overlap nor touch.
struct AddressIntervals: Sendable, Equatable {
    // Apart, so that a search reads only what it compares.
    private var lowers: [UInt128] = []
    private var uppers: [UInt128] = []

    /// How many intervals it takes.
    var count: Int { lowers.count }

    init() {}

    /// The union of intervals in any order.
    init(_ intervals: some Sequence<AddressInterval>) {
        for interval in intervals.sorted(by: { $0.lower < $1.lower }) { append(interval) }
    }

    /// Whether an interval has the address: a binary search that allocates nothing.
    func contains(_ key: UInt128) -> Bool {
        let index = firstIndex(after: key)
        return index > 0 && key <= uppers[index - 1]
    }

    /// Whether it has any address of the interval.
    func intersects(_ interval: AddressInterval) -> Bool {
        let index = firstIndex(after: interval.upper)
        return index > 0 && interval.lower <= uppers[index - 1]
    }

    /// The first interval that begins above the address.
    private func firstIndex(after key: UInt128) -> Int {
        var low = 0
        var high = lowers.count
        while low < high {
            let middle = low + (high - low) / 2
            if lowers[middle] <= key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds an interval that begins at or above the beginning of the last one.
    private mutating func append(_ interval: AddressInterval) {
        if let last = uppers.last, last == .max || interval.lower <= last + 1 {
            uppers[uppers.count - 1] = max(last, interval.upper)
        } else {
            lowers.append(interval.lower)
            uppers.append(interval.upper)
        }
    }

    /// The addresses of both.
    func union(_ other: AddressIntervals) -> AddressIntervals {
        var result = AddressIntervals(capacity: count + other.count)
        var mine = 0
        var theirs = 0
        while mine < count || theirs < other.count {
            if theirs == other.count || mine < count && lowers[mine] <= other.lowers[theirs] {
                result.append(AddressInterval(lowers[mine], uppers[mine]))
                mine += 1
            } else {
                result.append(AddressInterval(other.lowers[theirs], other.uppers[theirs]))
                theirs += 1
            }
        }
        return result
    }

    /// Its addresses without those of the other.
    func subtracting(_ other: AddressIntervals) -> AddressIntervals {
        var result = AddressIntervals(capacity: count + other.count)
        var hole = 0
        for index in 0..<count {
            var lower = lowers[index]
            let upper = uppers[index]
            while hole < other.count, other.uppers[hole] < lower { hole += 1 }
            var next = hole
            var isUsedUp = false
            while next < other.count, other.lowers[next] <= upper, !isUsedUp {
                if other.lowers[next] > lower { result.append(AddressInterval(lower, other.lowers[next] - 1)) }
                isUsedUp = other.uppers[next] >= upper
                if !isUsedUp {
                    lower = other.uppers[next] + 1
                    next += 1
                }
            }
            hole = next
            if !isUsedUp { result.append(AddressInterval(lower, upper)) }
        }
        return result
    }

    private init(capacity: Int) {
        lowers.reserveCapacity(capacity)
        uppers.reserveCapacity(capacity)
    }
}
