"""Binary codes: the signs of `bits` numbers, 8 to a byte, the first in the lowest bit; the sign of 0 is +1."""

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import check_shape
from ..errors import SettingError
from .base import Codes, FittedQuantizer

BITS = "bits per passage; null: one per dimension"  # the help line of a setting


class BinaryCodec(FittedQuantizer):
    """A quantizer whose codes are compared by Hamming distance."""

    @property
    def bits(self) -> int:
        """Signs of a code."""
        return 8 * self.code_bytes

    def unpack(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, bits / 8] to their signs, float32 [N, bits] of -1 and 1."""
        return unpack(codes)


def pack(x: NDArray[np.floating]) -> Codes:
    """The signs of `x` [N, bits], bits a multiple of 8, as uint8 [N, bits / 8]: a bit is 1 where a number is >= 0."""
    check_shape(x, x.shape[1] // 8 * 8, "numbers whose signs fill bytes")
    return np.packbits(x >= 0, axis=1, bitorder="little")


def unpack(codes: Codes) -> NDArray[np.float32]:
    """Codes uint8 [N, bits / 8] to their signs, float32 [N, bits] of -1 and 1."""
    return np.unpackbits(codes, axis=1, bitorder="little") * np.float32(2) - np.float32(1)


def check_dimension(bits: int | None, dimension: int) -> None:
    """Raise SettingError when one bit for each dimension is wanted (`bits` None) and these do not fill bytes."""
    if bits is None and dimension % 8:
        expected = f"a multiple of 8, since a bit for each of {dimension} dimensions does not fill bytes"
        raise SettingError("bits", bits, expected, f"set it to {max(8, dimension // 8 * 8)}", "quantizer")
