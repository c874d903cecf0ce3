"""What VPS, SPS and PPS say: their ids and the size of the shown picture (H.264 7.3.2, H.265 7.3.2).

All give None for a set that is damaged: it ends too early, or says what cannot be. Nobody may trust such a set:
FFmpeg's MP4 muxer, for one, counts to thousands of millions in an H.265 SPS that ends too early.
"""

from pi_sec_cam.media.bits import BitReader

# H.264 profiles whose SPS carries chroma format and scaling lists (7.3.2.1.1).
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
# A damaged SPS says anything, and a decoder would get memory for it: the largest picture of level 6.2, in which both
# codecs agree (H.264 table A-1, MaxFS; H.265 table A.8, MaxLumaPs), and above the longest side that it can have.
_LARGEST_AREA = 35_651_584
_LARGEST_SIDE = 16_888
# Of one H.265 reference picture set (sps_max_dec_pic_buffering_minus1 is 15 at most, A.4.2), and of those in an SPS.
_MOST_REFERENCES = 16
_MOST_REFERENCE_SETS = 64
_MOST_LONG_TERM = 32


def h264_sps(nal: bytes) -> tuple[int, int, int] | None:
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
    possible = sps_id <= 31 and chroma_format <= 3 and order_type <= 2 and _is_size(width, height)
    return (sps_id, width, height) if possible and bits.left >= 0 else None


def h264_pps_id(nal: bytes) -> int | None:
    """The id of an H.264 PPS NAL unit."""
    bits = BitReader(nal[:16])
    bits.u(8)
    pps_id, sps_id = bits.ue(), bits.ue()
    return pps_id if pps_id <= 255 and sps_id <= 31 and bits.left >= 0 else None


def h265_sps(nal: bytes) -> tuple[int, int, int] | None:
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
    possible = sub_layers <= 6 and sps_id <= 15 and chroma_format <= 3 and _is_size(width, height)
    return (sps_id, width, height) if possible and _has_sound_references(bits, sub_layers) else None


def h265_vps_id(nal: bytes) -> int | None:
    """The id of an H.265 VPS NAL unit."""
    bits = BitReader(nal)
    bits.u(16)
    vps_id = bits.u(4)
    bits.u(28 + 96)  # up to and with the general level
    return vps_id if bits.left >= 0 else None


def h265_pps_id(nal: bytes) -> int | None:
    """The id of an H.265 PPS NAL unit."""
    bits = BitReader(nal[:16])
    bits.u(16)
    pps_id, sps_id = bits.ue(), bits.ue()
    return pps_id if pps_id <= 63 and sps_id <= 15 and bits.left >= 0 else None


def _is_size(width: int, height: int) -> bool:
    return 0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE and width * height <= _LARGEST_AREA


def _has_sound_references(bits: BitReader, sub_layers: int) -> bool:
    """Reads an H.265 SPS on from behind the conformance window up to the VUI; whether all numbers are possible."""
    depths, order_bits = (bits.ue(), bits.ue()), bits.ue() + 4
    described = sub_layers + 1 if bits.u(1) else 1
    for _ in range(3 * described + 6):  # buffering of each sub-layer; sizes of coding and transform blocks
        bits.ue()
    if bits.u(1) and bits.u(1):
        _skip_h265_scaling_lists(bits)
    bits.u(2)
    if bits.u(1):  # pcm_enabled_flag
        bits.u(8)
        bits.ue()
        bits.ue()
        bits.u(1)
    set_count = bits.ue()
    if max(depths) > 8 or order_bits > 16 or set_count > _MOST_REFERENCE_SETS or bits.left < 0:
        return False
    count = 0
    for index in range(set_count):
        count = _skip_reference_set(bits, index, count)
        if count > _MOST_REFERENCES or bits.left < 0:
            return False
    if bits.u(1):
        long_term = bits.ue()
        if long_term > _MOST_LONG_TERM:
            return False
        bits.u(long_term * (order_bits + 1))
    return bits.left >= 0


def _skip_reference_set(bits: BitReader, index: int, former: int) -> int:
    """How many pictures an st_ref_pic_set (7.3.7) has; `former`: how many the one before it has."""
    if index and bits.u(1):  # predicted from that one
        bits.u(1)
        bits.ue()
        # used_by_curr_pic_flag; only where that is 0, use_delta_flag follows.
        return sum(1 for _ in range(former + 1) if bits.u(1) or bits.u(1))
    count = bits.ue() + bits.ue()
    for _ in range(min(count, _MOST_REFERENCES)):
        bits.ue()
        bits.u(1)
    return count


def _skip_h265_scaling_lists(bits: BitReader) -> None:
    """scaling_list_data, 7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.u(1):
                bits.ue()
                continue
            for _ in range(min(64, 16 << 2 * size) + (size > 1)):
                bits.se()


def _skip_scaling_lists(bits: BitReader, count: int) -> None:
    for index in range(count):
        if not bits.u(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last
