import NIOCore

/// Consistent Overhead Byte Stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking, 1999), a zero behind each packet.
struct COBSFramer: MemoryReportingFramer {
    /// The most that one code byte can stand before: 254 bytes, and no zero behind them.
    private static let longestRun = 254

    let maximumLength: Int
    private var input = DelimitedBytes(delimiter: [0])

    init(maximumLength: Int) { self.maximumLength = maximumLength }

    var heldBytes: Int { input.heldBytes }

    mutating func append(_ bytes: ByteBuffer) { input.append(bytes) }

    mutating func next() throws(FramingError) -> ByteBuffer? {
        while true {
            switch input.next(upTo: Self.encodedLength(maximumLength)) {
            case .frame(let packet):
                guard let code = packet.getInteger(at: packet.readerIndex, as: UInt8.self) else { continue }
                return try message(packet, code: Int(code))
            case .tooLong:
                throw tooLong
            case .none:
                return nil
            }
        }
    }

    /// The most bytes that a packet of `length` has once it is encoded: Cheshire and Baker's one in 254, and one.
    private static func encodedLength(_ length: Int) -> Int { length + length / longestRun + 1 }

    private func message(_ packet: ByteBuffer, code: Int) throws(FramingError) -> ByteBuffer {
        let message =
            if code == packet.readableBytes {
                // One run is the whole message.
                packet.getSlice(at: packet.readerIndex + 1, length: code - 1)
            } else {
                Self.decode(packet)
            }
        guard let message else { throw FramingError(.malformed, "a COBS code points beyond the end of its packet") }
        guard message.readableBytes <= maximumLength else { throw tooLong }
        return message
    }

    private static func decode(_ packet: ByteBuffer) -> ByteBuffer? {
        var isValid = true
        var message = ByteBuffer()
        message.writeWithUnsafeMutableBytes(minimumWritableBytes: packet.readableBytes) { output in
            packet.withUnsafeReadableBytes { bytes in
                var (at, count) = (0, 0)
                while at < bytes.count {
                    let code = Int(bytes[at])
                    guard code > 0, code <= bytes.count - at else {
                        isValid = false
                        break
                    }
                    let run = UnsafeRawBufferPointer(rebasing: bytes[(at + 1)..<(at + code)])
                    UnsafeMutableRawBufferPointer(rebasing: output[count..<(count + run.count)]).copyMemory(from: run)
                    at += code
                    count += run.count
                    // The zero behind the last run is the one that the sender added.
                    if run.count < longestRun, at < bytes.count {
                        output[count] = 0
                        count += 1
                    }
                }
                return count
            }
        }
        return isValid ? message : nil
    }

    mutating func flush() throws(FramingError) -> ByteBuffer? {
        guard input.flush() == nil else { throw .truncated("a COBS packet") }
        return nil
    }

    mutating func frame(_ message: ByteBuffer, into output: inout ByteBuffer) throws(FramingError) {
        let length = message.readableBytes
        guard length <= maximumLength else { throw .message(of: length, over: maximumLength) }
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.encodedLength(length) + 1) { output in
            message.withUnsafeReadableBytes { Self.encode($0, into: output) }
        }
    }

    /// Writes the packet and the zero behind it; returns their length.
    private static func encode(_ message: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
        var (start, at) = (0, 0)
        while true {
            let zero = message.firstOffset(of: 0, from: start) ?? message.count
            // Full runs have no zero behind them; one that ends the message needs nothing else.
            while zero - start > longestRun || (zero - start == longestRun && zero < message.count) {
                at += write(message, start, longestRun, into: output, at)
                start += longestRun
            }
            at += write(message, start, zero - start, into: output, at)
            guard zero < message.count else { break }
            start = zero + 1
        }
        output[at] = 0
        return at + 1
    }

    private static func write(
        _ message: UnsafeRawBufferPointer, _ start: Int, _ length: Int, into output: UnsafeMutableRawBufferPointer,
        _ at: Int
    ) -> Int {
        output[at] = UInt8(length + 1)
        UnsafeMutableRawBufferPointer(rebasing: output[(at + 1)..<(at + 1 + length)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: message[start..<(start + length)]))
        return length + 1
    }

    private var tooLong: FramingError { .tooLong("a COBS packet", maximum: maximumLength) }
}
