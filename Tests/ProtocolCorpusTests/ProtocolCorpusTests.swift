import Foundation
import ProtocolChecks
import Testing

/// What the fuzz targets (Fuzz/README.md) start from, and what they have found worth keeping.
@Suite("The corpus of the protocols", .timeLimit(.minutes(1)))
struct ProtocolCorpusTests {
    private static func inputs(of check: ProtocolCheck) throws -> [(name: String, bytes: Data)] {
        let corpus = try #require(Bundle.module.url(forResource: "Corpus", withExtension: nil))
        let files = try FileManager.default.contentsOfDirectory(
            at: corpus.appending(path: check.rawValue), includingPropertiesForKeys: nil)
        return try files.map { ($0.lastPathComponent, try Data(contentsOf: $0)) }
    }

    @Test("holds nothing that breaks what is promised", arguments: ProtocolCheck.allCases)
    func holds(check: ProtocolCheck) throws {
        let inputs = try Self.inputs(of: check)
        #expect(inputs.count > 5)
        for (name, bytes) in inputs {
            #expect(throws: Never.self, "\(check)/\(name)") { try check.check(bytes) }
        }
    }

    @Test(
        "cut anywhere, and with a bit of any byte changed, it breaks nothing either", arguments: ProtocolCheck.allCases)
    func changed(check: ProtocolCheck) throws {
        for (name, bytes) in try Self.inputs(of: check) where bytes.count <= 40 {
            for index in bytes.indices {
                #expect(throws: Never.self, "\(check)/\(name), the first \(index)") {
                    try check.check(bytes.prefix(index))
                }
                let changed =
                    bytes.prefix(index) + [bytes[index] ^ (1 << UInt8(index % 8))] + bytes.dropFirst(index + 1)
                #expect(throws: Never.self, "\(check)/\(name), byte \(index)") { try check.check(changed) }
            }
        }
    }
}
