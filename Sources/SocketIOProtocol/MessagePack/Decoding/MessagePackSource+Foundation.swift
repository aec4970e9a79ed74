internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension RawSpan {
    /// A date as the published parser writes it (type 0, milliseconds since 1970), as the specification does (type -1), or
    /// in one of the forms that it has in JSON.
    func readPackedDate(_ at: inout Int) throws(JSONReadFailure) -> Date {
        let head = try self.requireHead(at)
        switch head.kind {
        case .date:
            at = head.content + head.length
            return Date(timeIntervalSince1970: self.secondsSince1970(head))
        case .integer, .float:
            let number = try self.readPackedNumber(&at)
            guard number.doubleValue.isFinite else { throw .unrepresentable("A number that is not finite") }
            return Date(timeIntervalSince1970: number.doubleValue / 1000)
        default:
            let text = try self.readPackedString(&at)
            guard let milliseconds = JavaScriptDate.milliseconds(text) else { throw .unrepresentable(text) }
            return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        }
    }

    private func secondsSince1970(_ head: MessagePackHead) -> Double {
        let low = self.bigEndian(head.content + head.length - Swift.min(head.length, 8), Swift.min(head.length, 8)) ?? 0
        switch (head.type, head.length) {
        case (0, _): return Double(Int64(bitPattern: low)) / 1000
        case (_, 4): return Double(low)
        case (_, 8): return Double(low & 0x3_FFFF_FFFF) + Double(low >> 34) / 1e9
        default: return Double(Int64(bitPattern: low)) + Double(self.bigEndian(head.content, 4) ?? 0) / 1e9
        }
    }

    func readPackedURL(_ at: inout Int) throws(JSONReadFailure) -> URL {
        let text = try self.readPackedString(&at)
        guard let url = URL(string: text) else { throw .unrepresentable(text) }
        return url
    }

    /// The decimal with the shortest digits that stand for the number.
    func readPackedDecimal(_ at: inout Int) throws(JSONReadFailure) -> Decimal {
        let number = try self.readPackedNumber(&at)
        guard let text = number.text else { throw .unrepresentable("A number that is not finite") }
        // Beyond these powers of ten `Decimal` has fewer digits than a double, or none.
        guard let value = Decimal(string: text), value.isFinite, abs(number.doubleValue) < 1e127,
            number.doubleValue == 0 || abs(number.doubleValue) > 1e-100
        else { throw .unrepresentable(text) }
        return value
    }
}
