import Foundation
import FramingChecks

/// The framing that this process fuzzes.
enum FuzzTarget {
    private static let group = ProcessInfo.processInfo.environment["FRAMING"] ?? ""

    /// What libFuzzer calls with each input.
    static func check(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        precondition(FramingCase.all.contains { $0.group == group }, "FRAMING does not name a framing")
        do {
            try FramingCase.check(UnsafeBufferPointer(start: bytes, count: count), group: group)
        } catch {
            fatalError("\(error)")
        }
        return 0
    }
}
