"""Parameter sets that say what a test wants."""

import re


def h264_sps(width: int, height: int) -> bytes:
    """An SPS NAL unit of the baseline profile (H.264, 7.3.2.1.1) for pictures of whole macroblocks, set 0."""
    bits = f"{0x67:08b}{66:08b}{0xC0:08b}{30:08b}"  # NAL unit header, profile, constraints, level
    # Set 0, frame numbers of 4 bits, order of decoding is order of showing, one reference picture.
    bits += _ue(0) + _ue(0) + _ue(2) + _ue(1) + "0" + _ue(width // 16 - 1) + _ue(height // 16 - 1)
    bits += "1100"  # frames only, direct_8x8_inference_flag, no cropping, no VUI
    bits += "1"  # rbsp_stop_one_bit
    bits += "0" * (-len(bits) % 8)
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", raw)


def _ue(value: int) -> str:
    """Exp-Golomb (9.1)."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code
