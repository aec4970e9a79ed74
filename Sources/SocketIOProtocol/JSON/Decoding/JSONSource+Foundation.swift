internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension RawSpan {
    /// A date as JavaScript writes it (`Date.prototype.toJSON`), or as its number of milliseconds since 1970.
    func readDate(_ at: inout Int) throws(JSONReadFailure) -> Date {
        if self.jsonKind(at: at) == .number {
            return Date(timeIntervalSince1970: try self.readDouble(&at) / 1000)
        }
        let text = try self.readStringValue(&at)
        guard let milliseconds = JavaScriptDate.milliseconds(text) else { throw .unrepresentable(text) }
        return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    func readURL(_ at: inout Int) throws(JSONReadFailure) -> URL {
        let text = try self.readStringValue(&at)
        guard let url = URL(string: text) else { throw .unrepresentable(text) }
        return url
    }

    /// Refuses what `Decimal` would round: it holds 38 digits and exponents from -128 to 127.
    func readDecimal(_ at: inout Int) throws(JSONReadFailure) -> Decimal {
        try self.require(.number, at: at)
        let start = at
        let number = self.readNumber(&at)
        let text = self.string(start, at)
        guard number.significantDigits <= 38, (-127...127).contains(number.exponent), let value = Decimal(string: text)
        else {
            throw .unrepresentable(text)
        }
        return value
    }
}
