@_exported public import JunctionCore
@_exported public import JunctionTCP
