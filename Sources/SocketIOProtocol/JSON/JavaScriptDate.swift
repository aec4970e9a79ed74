internal import JSONText

/// Points in time as JavaScript writes them: `2026-01-31T09:05:07.250Z` (ECMA-262, "Date Time String Format").
enum JavaScriptDate {
    /// Beyond 100 million days from 1970 JavaScript has no dates.
    static let range = -8_640_000_000_000_000...8_640_000_000_000_000
    private static let millisecondsPerDay = 86_400_000

    /// The text of a time given in milliseconds since 1970; nil out of range.
    static func text(_ milliseconds: Int) -> String? {
        guard self.range.contains(milliseconds) else { return nil }
        let day =
            (milliseconds >= 0 ? milliseconds : milliseconds - (self.millisecondsPerDay - 1)) / self.millisecondsPerDay
        let time = milliseconds - day * self.millisecondsPerDay
        let date = self.date(day: day)
        var text =
            switch date.year {
            case 0...9999: self.padded(date.year, 4)
            default: (date.year < 0 ? "-" : "+") + self.padded(abs(date.year), 6)
            }
        text += "-\(self.padded(date.month, 2))-\(self.padded(date.day, 2))T\(self.padded(time / 3_600_000, 2))"
        text += ":\(self.padded(time / 60_000 % 60, 2)):\(self.padded(time / 1000 % 60, 2))"
        text += ".\(self.padded(time % 1000, 3))Z"
        return text
    }

    /// The milliseconds since 1970 of a date alone, taken as UTC, or of a date and time with its offset; nil for any
    /// other text. Digits beyond milliseconds are dropped.
    static func milliseconds(_ text: String) -> Int? {
        var fields = Fields(text.utf8[...])
        guard let year = fields.year(), fields.skip("-"), let month = fields.number(2, 1...12), fields.skip("-"),
            let day = fields.number(2, 1...31), day <= self.days(inMonth: month, of: year)
        else { return nil }
        let midnight = self.dayNumber(year: year, month: month, day: day) * self.millisecondsPerDay
        if fields.isAtEnd { return midnight }
        guard fields.skip("T"), let hour = fields.number(2, 0...23), fields.skip(":"),
            let minute = fields.number(2, 0...59)
        else { return nil }
        var time = hour * 3_600_000 + minute * 60_000
        if fields.skip(":") {
            guard let second = fields.number(2, 0...59) else { return nil }
            time += second * 1000
            if fields.skip(".") {
                guard let fraction = fields.fraction() else { return nil }
                time += fraction
            }
        }
        guard let offset = fields.offset(), fields.isAtEnd else { return nil }
        let milliseconds = midnight + time - offset * 60_000
        return self.range.contains(milliseconds) ? milliseconds : nil
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Days since 1970 of a date of the proleptic Gregorian calendar. Years are counted from March, which puts the leap
    /// day last, in eras of 400 years, which all have 146,097 days.
    private static func dayNumber(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(day: Int) -> (year: Int, month: Int, day: Int) {
        let day = day + 719_468
        let era = (day >= 0 ? day : day - 146_096) / 146_097
        let dayOfEra = day - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads the fields of a date one after another.
private struct Fields {
    private var rest: Substring.UTF8View

    init(_ text: Substring.UTF8View) {
        self.rest = text
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let first = self.rest.first, UInt32(first) == character.value else { return false }
        self.rest.removeFirst()
        return true
    }

    mutating func number(_ digits: Int, _ range: ClosedRange<Int>) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let byte = self.rest.first, byte.isDigit else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            self.rest.removeFirst()
        }
        return range.contains(value) ? value : nil
    }

    /// Four digits, or a sign and six; `-000000` is not a year.
    mutating func year() -> Int? {
        if self.skip("+") { return self.number(6, 0...999_999) }
        if self.skip("-") { return self.number(6, 1...999_999).map { -$0 } }
        return self.number(4, 0...9999)
    }

    /// Up to nine digits of a second, as whole milliseconds.
    mutating func fraction() -> Int? {
        var (milliseconds, digits) = (0, 0)
        while digits < 9, let digit = self.number(1, 0...9) {
            if digits < 3 { milliseconds = milliseconds * 10 + digit }
            digits += 1
        }
        guard digits > 0 else { return nil }
        for _ in digits..<max(3, digits) { milliseconds *= 10 }
        return milliseconds
    }

    /// The offset from UTC in minutes.
    mutating func offset() -> Int? {
        if self.skip("Z") { return 0 }
        let isWest = self.skip("-")
        guard isWest || self.skip("+"), let hours = self.number(2, 0...23), self.skip(":"),
            let minutes = self.number(2, 0...59)
        else { return nil }
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }
}
