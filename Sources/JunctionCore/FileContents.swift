import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#else
    import Darwin
#endif

/// Small files that a configuration names.
package enum FileContents {
    /// The bytes of the file.
    ///
    /// - Throws: `IOError`.
    package static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw IOError(errnoCode: errno, reason: "open") }
        defer { fclose(file) }
        var contents: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { $1 = fread($0.baseAddress, 1, $0.count, file) }
            if chunk.isEmpty { break }
            contents += chunk
        }
        guard ferror(file) == 0 else { throw IOError(errnoCode: errno, reason: "read") }
        return contents
    }
}
