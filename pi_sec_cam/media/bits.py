"""Reads the bit fields of H.264 and H.265 headers."""


class BitReader:
    """Reads an RBSP from its first bit; past the end everything is zero bits (a cut header must not raise)."""

    def __init__(self, nal: bytes) -> None:
        # Emulation prevention bytes come out first: H.264 and H.265, 7.3.1.1.
        payload = nal.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(payload, "big")
        self._left = 8 * len(payload)

    @property
    def left(self) -> int:
        """Bits that were not read yet; below zero once more was read than there is."""
        return self._left

    def u(self, count: int) -> int:
        """An unsigned number of `count` bits."""
        self._left -= count
        if self._left < 0:
            return 0
        return (self._value >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        """An unsigned Exp-Golomb number (H.264 and H.265, 9.1/9.2)."""
        zeros = 0
        while self._left > 0 and zeros < 32 and not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb number."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)
