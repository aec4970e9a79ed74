import Foundation

/// A page of the documentation, whose examples a test file is held to.
///
/// The file that makes the article has the code of each of its Swift examples, line by line; indentation, comments and imports do not
/// count. So what people read compiles, and where the test runs it, works.
public struct Article {
    /// The examples that the test file lacks.
    public let missing: [String]
    /// How many examples the page has.
    public let count: Int

    /// Reads a page and the file that has its examples.
    ///
    /// - Parameters:
    ///   - path: from the root of the package.
    ///   - section: a heading: only the examples from there to the next heading of the same rank count. All of the page by
    ///     default.
    public init(_ path: String, section: String? = nil, file: String = #filePath) throws {
        let file = URL(filePath: file)
        let root = file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let source = try Self.code(String(contentsOf: file, encoding: .utf8))
        var page = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        if let section {
            let parts = page.components(separatedBy: "\n## ")
            page = parts.first { $0.hasPrefix(section + "\n") } ?? ""
        }
        let examples = page.components(separatedBy: "```").filter { $0.hasPrefix("swift\n") }
            .map { Self.code(String($0.dropFirst(6))) }
        count = examples.count
        missing = examples.filter { !source.contains($0) }
    }

    /// The lines of code without their indentation.
    private static func code(_ text: String) -> String {
        text.replacing(#/(?:^|\s)\/\/.*/#.anchorsMatchLineEndings(), with: "").split(separator: "\n")
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("import ") }.map { $0 + "\n" }.joined()
    }
}
