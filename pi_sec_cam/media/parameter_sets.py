"""What SPS and PPS say: their ids and the size of the shown picture (H.264 7.3.2, H.265 7.3.2)."""

from pi_sec_cam.media.bits import BitReader

# H.264 profiles whose SPS carries chroma format and scaling lists (7.3.2.1.1).
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}


def h264_sps(nal: bytes) -> tuple[int, int, int]:
    """(id, width, height) of an H.264 SPS NAL unit, cropping applied."""
    bits = BitReader(nal)
    bits.u(8)
    profile = bits.u(8)
    bits.u(16)
    sps_id = bits.ue()
    chroma_format, separate_planes = 1, 0
    if profile in _HIGH_PROFILES:
        chroma_format = bits.ue()
        if chroma_format == 3:
            separate_planes = bits.u(1)
        bits.ue()
        bits.ue()
        bits.u(1)
        if bits.u(1):
            _skip_scaling_lists(bits, 8 if chroma_format != 3 else 12)
    bits.ue()  # log2_max_frame_num_minus4
    order_type = bits.ue()
    if order_type == 0:
        bits.ue()
    elif order_type == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()
    bits.ue()  # max_num_ref_frames
    bits.u(1)
    width = 16 * (bits.ue() + 1)
    height_units = bits.ue() + 1
    frame_mbs_only = bits.u(1)
    height = 16 * height_units * (2 - frame_mbs_only)
    if not frame_mbs_only:
        bits.u(1)
    bits.u(1)  # direct_8x8_inference_flag
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        array_type = 0 if separate_planes else chroma_format
        unit_x = 2 if array_type in {1, 2} else 1
        unit_y = (2 if array_type == 1 else 1) * (2 - frame_mbs_only)
        width -= unit_x * (left + right)
        height -= unit_y * (top + bottom)
    return sps_id, width, height


def h264_pps_id(nal: bytes) -> int:
    """The id of an H.264 PPS NAL unit."""
    bits = BitReader(nal[:16])
    bits.u(8)
    return bits.ue()


def h265_sps(nal: bytes) -> tuple[int, int, int]:
    """(id, width, height) of an H.265 SPS NAL unit, conformance window applied."""
    bits = BitReader(nal)
    bits.u(16)
    bits.u(4)
    sub_layers = bits.u(3)
    bits.u(1)
    bits.u(88)  # general profile, tier, constraints
    bits.u(8)
    present = [(bits.u(1), bits.u(1)) for _ in range(sub_layers)]
    if sub_layers:
        bits.u(2 * (8 - sub_layers))
    for profile_present, level_present in present:
        bits.u(88 * profile_present + 8 * level_present)
    sps_id = bits.ue()
    chroma_format = bits.ue()
    if chroma_format == 3:
        bits.u(1)
    width, height = bits.ue(), bits.ue()
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width -= (2 if chroma_format in {1, 2} else 1) * (left + right)
        height -= (2 if chroma_format == 1 else 1) * (top + bottom)
    return sps_id, width, height


def h265_vps_id(nal: bytes) -> int:
    """The id of an H.265 VPS NAL unit."""
    bits = BitReader(nal[:8])
    bits.u(16)
    return bits.u(4)


def h265_pps_id(nal: bytes) -> int:
    """The id of an H.265 PPS NAL unit."""
    bits = BitReader(nal[:16])
    bits.u(16)
    return bits.ue()


def _skip_scaling_lists(bits: BitReader, count: int) -> None:
    for index in range(count):
        if not bits.u(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last
