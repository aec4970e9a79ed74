import JunctionCore
import JunctionTransport
import NIOCore
import NIOHTTP1

/// The JavaScript client, for browsers to load from the server: `<script src="/socket.io/socket.io.js">`.
///
/// The files are the ones of the package `socket.io` (its directory `client-dist`) or `socket.io-client` (`dist`); none comes
/// with this package. They are read once, here.
///
/// ```swift
/// options.serveClient = try ClientFiles(directory: "node_modules/socket.io/client-dist")
/// options.serveClient = try ClientFiles(file: "public/socket.io.min.js")
/// ```
///
/// They are served with an `ETag`, with `cache-control: public, max-age=0` as the JavaScript server does, and compressed with
/// gzip for clients that take it.
public struct ClientFiles: Sendable {
    /// The names that are served, each with `.map` behind it as well.
    public static let names = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"]

    private let files: [String: File]

    /// The files in `directory` that have one of ``names``, or one of them and `.map`. Where there is no `socket.io.js`, the
    /// minified one is served under that name, too.
    ///
    /// - Throws: ``NetworkError`` when none of ``names`` is there, or a file cannot be read.
    public init(directory: String) throws {
        var files: [String: File] = [:]
        for name in Self.names.flatMap({ [$0, $0 + ".map"] }) {
            let path = directory + "/" + name
            do {
                files[name] = File(try FileContents.read(path), isMap: name.hasSuffix(".map"))
            } catch {
                let error = NetworkError(error, doing: "read \(path)")
                if error.code != .noSuchFile { throw error }
            }
        }
        guard Self.names.contains(where: { files[$0] != nil }) else {
            throw NetworkError(.noSuchFile, "\(directory): there is no \(Self.names.joined(separator: ", ")) in it")
        }
        self.init(files)
    }

    /// One file, which is served as `socket.io.js` and `socket.io.min.js`, whatever its own name is.
    ///
    /// - Throws: ``NetworkError`` when it cannot be read.
    public init(file path: String) throws {
        do {
            self.init(["socket.io.min.js": File(try FileContents.read(path), isMap: false)])
        } catch {
            throw NetworkError(error, doing: "read \(path)")
        }
    }

    private init(_ files: [String: File]) {
        var files = files
        if files["socket.io.js"] == nil { files["socket.io.js"] = files["socket.io.min.js"] }
        self.files = files
    }

    /// The answer to a request for one of the files; `nil` when it is for something else.
    func answer(to request: HTTPRequest, below path: String) -> HTTPResponse? {
        guard request.head.method == .GET || request.head.method == .HEAD else { return nil }
        let base = path.last == "/" ? path.dropLast() : path[...]
        let requested = request.path
        guard requested.utf8.starts(with: base.utf8),
            let file = files[String(requested.dropFirst(base.count + 1))]
        else { return nil }
        return file.answer(to: request.head.headers)
    }

    // MARK: A file

    private struct File: Sendable {
        private let plain: Variant
        private let compressed: Variant?

        private struct Variant: Sendable {
            let tag: String
            let headers: HTTPHeaders
            let body: ByteBuffer
        }

        init(_ bytes: [UInt8], isMap: Bool) {
            let body = ByteBuffer(bytes: bytes)
            let tag = Self.digest(bytes)
            let fields: HTTPHeaders = [
                "content-type": "application/\(isMap ? "json" : "javascript"); charset=utf-8",
                "cache-control": "public, max-age=0",
                "vary": "Accept-Encoding",
            ]
            func variant(_ tag: String, _ body: ByteBuffer, _ more: HTTPHeaders = [:]) -> Variant {
                var headers = fields
                headers.add(name: "etag", value: tag)
                headers.add(contentsOf: more)
                return Variant(tag: tag, headers: headers, body: body)
            }
            plain = variant("\"\(tag)\"", body)
            compressed = ContentCoding.gzip.compress(body, level: 9).map {
                variant("\"\(tag)-gzip\"", $0, ["content-encoding": "gzip"])
            }
        }

        func answer(to request: HTTPHeaders) -> HTTPResponse {
            let accepted = request["accept-encoding"].joined(separator: ",")
            let takesGzip = !accepted.isEmpty && ContentCoding(accepted: accepted, offered: [.gzip]) == .gzip
            let variant = takesGzip ? compressed ?? plain : plain
            guard !isKnown(request["if-none-match"]) else {
                return HTTPResponse(status: .notModified, headers: ["etag": variant.tag, "vary": "Accept-Encoding"])
            }
            return HTTPResponse(status: .ok, headers: variant.headers, body: variant.body)
        }

        /// The client has one of the variants, compared weakly (RFC 9110, section 13.1.2).
        private func isKnown(_ fields: [String]) -> Bool {
            fields.lazy.flatMap { $0.split(separator: ",") }.contains { item in
                let tag = item.drop { $0 == " " }.prefix { $0 != " " }
                let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
                return strong == "*" || strong == plain.tag[...] || compressed.map { strong == $0.tag[...] } ?? false
            }
        }

        /// FNV-1a, 64 bits, and the length: it changes with the file, and nobody is kept from making another file with it.
        private static func digest(_ bytes: [UInt8]) -> String {
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            return String(bytes.count, radix: 16) + "-" + String(hash, radix: 16)
        }
    }
}
