import Foundation
import ProtocolChecks

/// The protocol that this process fuzzes.
enum FuzzTarget {
    private static let protocolCheck = ProtocolCheck(rawValue: ProcessInfo.processInfo.environment["PROTOCOL"] ?? "")

    /// What libFuzzer calls with each input.
    static func check(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        guard let protocolCheck else { preconditionFailure("PROTOCOL does not name a protocol") }
        do {
            try protocolCheck.check(UnsafeBufferPointer(start: bytes, count: count))
        } catch {
            fatalError("\(error)")
        }
        return 0
    }
}
