"""TLS presentation language (RFC 8446 section 3) with the variable-length
vectors of RFC 9420 section 2.1.2, read strictly: a length must use the fewest
bytes that hold it, and nothing may follow the end."""


class Malformed(ValueError):
    """The bytes are not what the format says."""


class Reader:
    """Reads one structure. Call `end` when it should be over."""

    def __init__(self, data):
        self._data = bytes(data)
        self._at = 0

    def opaque(self, length):
        """`opaque x[length]`: exactly that many bytes."""
        end = self._at + length
        if end > len(self._data):
            raise Malformed(f"{length} bytes wanted, {len(self._data) - self._at} left")
        taken, self._at = self._data[self._at : end], end
        return taken

    def _uint(self, length):
        return int.from_bytes(self.opaque(length), "big")

    def u8(self):
        return self._uint(1)

    def u16(self):
        return self._uint(2)

    def u32(self):
        return self._uint(4)

    def u64(self):
        return self._uint(8)

    def _vector_length(self):
        first = self.u8()
        prefix = first >> 6
        if prefix == 3:
            raise Malformed("a vector's length begins with the reserved bits 11")
        extra = (1 << prefix) - 1
        length = ((first & 0x3F) << (8 * extra)) | self._uint(extra)
        if len(vector_length(length)) != 1 + extra:
            raise Malformed("a vector's length is not minimal")
        return length

    def vector(self, limit=None):
        """`opaque x<V>`: the bytes of a variable-length vector."""
        length = self._vector_length()
        if limit is not None and length > limit:
            raise Malformed(f"a vector of {length} bytes, at most {limit} allowed")
        return self.opaque(length)

    def items(self, read):
        """`T x<V>`: what `read(reader)` makes of each item of a vector."""
        inner, found = Reader(self.vector()), []
        while not inner.at_end():
            found.append(read(inner))
        return found

    def optional(self, read):
        """`optional<T>`: None, or what `read(reader)` gives."""
        present = self.u8()
        if present > 1:
            raise Malformed("an optional's first byte is neither 0 nor 1")
        return read(self) if present else None

    def position(self):
        """How many bytes were read."""
        return self._at

    def between(self, start, end):
        """The bytes from one position to another, as they came."""
        return self._data[start:end]

    def at_end(self):
        return self._at == len(self._data)

    def end(self):
        """Refuses trailing bytes."""
        if not self.at_end():
            raise Malformed(f"{len(self._data) - self._at} bytes too many")


def vector_length(length):
    """The length prefix of a variable-length vector."""
    if length < 1 << 6:
        return length.to_bytes(1, "big")
    if length < 1 << 14:
        return (length | 0x4000).to_bytes(2, "big")
    if length < 1 << 30:
        return (length | 0x8000_0000).to_bytes(4, "big")
    raise Malformed("too long for a vector")


def vector(data):
    """`opaque x<V>` of these bytes."""
    return vector_length(len(data)) + bytes(data)
