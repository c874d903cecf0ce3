"""The kinds of arrays that pictures of the scene are computed with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
# What comes out of arithmetic with Floats; mypy does not follow NumPy's rule that they stay 32 bits.
Values = NDArray[np.floating[Any]]
