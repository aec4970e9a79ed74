import Foundation
import FramingChecks
import Testing

/// What the fuzz targets (Fuzz/README.md) have found worth keeping.
@Suite("The fuzz corpus", .timeLimit(.minutes(5)))
struct CorpusTests {
    private static let groups = Set(FramingCase.all.map(\.group)).sorted()

    private static func inputs(of group: String) throws -> [(name: String, bytes: Data)] {
        let corpus = try #require(Bundle.module.url(forResource: "Corpus", withExtension: nil))
        let files = try FileManager.default.contentsOfDirectory(
            at: corpus.appending(path: group), includingPropertiesForKeys: nil)
        return try files.map { ($0.lastPathComponent, try Data(contentsOf: $0)) }
    }

    @Test("holds nothing that breaks what is promised", arguments: groups)
    func holds(group: String) throws {
        let inputs = try Self.inputs(of: group)
        #expect(inputs.count > 5)
        for (name, bytes) in inputs {
            #expect(throws: Never.self, "\(group)/\(name)") { try FramingCase.check(bytes, group: group) }
        }
    }
}
