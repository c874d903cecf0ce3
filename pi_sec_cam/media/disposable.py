"""Which coded pictures no other picture is predicted from, read from their NAL unit headers."""

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo

_START = b"\x00\x00\x01"
_H265_SPS = 33
# H.265, table 7-1: the even types below 16 are "sub-layer non-reference": not referred to within their sub-layer.
_H265_SLICES = range(32)


def is_disposable(unit: AccessUnit) -> bool:
    """Whether all others can be decoded without it.

    H.264: nal_ref_idc is 0 in its slices (7.4.1). H.265: a sub-layer non-reference picture of the highest sub-layer
    that the stream may have (7.4.2.2); pictures of a higher one may refer to it.
    """
    data = unit.data
    start = data.find(_START)
    while start >= 0 and start + 4 < len(data):
        header, second = data[start + 3], data[start + 4]
        if unit.info.codec == "h264":
            if 1 <= header & 0x1F <= 5:
                return not header & 0x60
        elif (kind := header >> 1 & 0x3F) in _H265_SLICES:
            return kind < 16 and kind % 2 == 0 and (second & 7) - 1 == highest_sub_layer(unit.info)
        start = data.find(_START, start + 3)
    return False


def highest_sub_layer(info: StreamInfo) -> int | None:
    """sps_max_sub_layers_minus1 of an H.265 stream (7.3.2.2.1); None if it has no SPS."""
    sets = info.parameter_sets
    start = sets.find(_START)
    while start >= 0 and start + 5 < len(sets):
        if sets[start + 3] >> 1 & 0x3F == _H265_SPS:
            return sets[start + 5] >> 1 & 7
        start = sets.find(_START, start + 3)
    return None
