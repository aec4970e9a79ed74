@_exported public import struct JunctionTesting.SeededGenerator
