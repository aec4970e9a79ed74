@_exported public import struct NIOCore.ByteBuffer
@_exported public import enum NIOCore.SocketAddress
