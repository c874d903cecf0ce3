"""Keeps the C library from holding on to memory that nobody uses any more."""

import ctypes
import os

_M_ARENA_MAX = -8  # malloc.h of glibc


def share_arenas() -> None:
    """Let threads share two heaps; to be called before there are threads, and before NumPy and OpenCV are imported.

    glibc gives each of the first eight threads a processor a heap of its own, and each keeps what its busiest moment
    needed. OpenCV and NumPy's BLAS would start threads of their own; the pictures here are too small for that.
    """
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # other C libraries have no such heaps
        mallopt(_M_ARENA_MAX, 2)


def give_back() -> None:
    """Return unused memory to the system; after work that needed much and is over."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
