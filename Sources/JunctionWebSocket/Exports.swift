@_exported public import JunctionCore
@_exported public import JunctionTLS

@_exported public import class JunctionTransport.BoundSocket
@_exported public import struct JunctionTransport.ListenAddress
