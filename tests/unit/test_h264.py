"""The canonical form: 4-byte start codes, parameter sets before each keyframe, whatever the source delivers."""

import io
from dataclasses import replace
from fractions import Fraction
from random import Random

import av
import pytest

from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.h264 import START_CODE, Canonicaliser, put_lengths, split_annex_b, split_length_prefixed
from pi_sec_cam.media.mp4 import Mp4Writer
from tests.unit.parameter_sets import h264_sps
from tests.unit.streams import encoded, units

H264_SPS, H264_PPS, H264_IDR, H264_SLICE, H264_AUD = 7, 8, 5, 1, 9


def kinds(data: bytes, codec: Codec = "h264") -> list[int]:
    return [nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F for nal in split_annex_b(data)]


def test_nal_units_are_found_behind_start_codes_of_both_lengths() -> None:
    stream = b"\x00\x00\x00\x01\x67ab\x00\x00\x01\x68c\x00\x00\x00\x00\x01\x65de\x00\x00"
    assert split_annex_b(stream) == [b"\x67ab", b"\x68c", b"\x65de"]


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x01", b"\x00\x00\x00\x01\x00\x00\x01", b"no start code"])
def test_what_holds_no_nal_unit_gives_none(data: bytes) -> None:
    assert split_annex_b(data) == []


def test_a_cut_sample_gives_the_nal_units_that_are_whole() -> None:
    assert split_length_prefixed(b"\x00\x00\x00\x02ab\x00\x00\x00\x09cut", 4) == [b"ab"]


def test_canonical_pictures_get_lengths_in_place_of_start_codes_wherever_these_stand() -> None:
    chance = Random(5)
    for _ in range(3000):
        # What may stand in a NAL unit: no 00 00 00, 00 00 01 or 00 00 02, and no zero at its end (H.264, 7.4.1).
        nals = []
        for _ in range(chance.randrange(1, 6)):
            drawn = bytes(chance.choices((0, 1, 3, 255), (6, 3, 2, 1), k=chance.randrange(12)))
            while any(code in drawn for code in (b"\0\0\0", b"\0\0\1")):
                drawn = drawn.replace(b"\0\0\0", b"\0\0\3\0").replace(b"\0\0\1", b"\0\0\3\1")
            nals.append(b"\x65" + drawn + b"\x80")
        pictures = bytearray(b"".join(START_CODE + nal for nal in nals))
        put_lengths(pictures)
        assert split_length_prefixed(bytes(pictures), 4) == nals


# x265 adds a message of its own to a transport stream, so those bytes differ before they come to us.
@pytest.mark.parametrize(("codec", "container"), [("h264", "matroska"), ("h264", "mpegts"), ("h265", "matroska")])
def test_every_container_gives_the_same_bytes(codec: Codec, container: str) -> None:
    def canonical(kind: str) -> list[bytes]:
        with av.open(io.BytesIO(encoded(codec, seconds=2, gop=10, b_frames=2, container=kind))) as file:
            stream = file.streams.video[0]
            convert = Canonicaliser(codec, stream.codec_context.extradata).convert
            found = [convert(bytes(p), p.is_keyframe) for p in file.demux(stream) if p.size]
        return [unit.data for unit in found if unit]

    reference = canonical("mp4")
    assert len(reference) == 50
    assert canonical(container) == reference


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_each_keyframe_begins_with_all_parameter_sets_and_no_other_unit_has_them(codec: Codec) -> None:
    needed = [H264_SPS, H264_PPS] if codec == "h264" else [32, 33, 34]
    found = units(codec, seconds=2, gop=10)
    assert sum(unit.keyframe for unit in found) == 5
    for unit in found:
        assert unit.data.startswith(START_CODE)
        begin = kinds(unit.data, codec)[: len(needed)]
        assert (begin == needed) == unit.keyframe
        assert unit.data.startswith(unit.info.parameter_sets) == unit.keyframe


def test_parameter_sets_that_only_the_session_description_has_are_put_before_keyframes() -> None:
    unit = units(seconds=1)[0]
    bare = b"".join(START_CODE + nal for nal in split_annex_b(unit.data) if nal[0] & 0x1F not in {7, 8})
    converted = Canonicaliser("h264", unit.info.parameter_sets).convert(bare, keyframe=True)
    assert converted is not None
    assert converted.data == unit.data


def test_nothing_is_delivered_before_the_parameter_sets_are_known() -> None:
    unit = units(seconds=1)[0]
    bare = b"".join(START_CODE + nal for nal in split_annex_b(unit.data) if nal[0] & 0x1F not in {7, 8})
    canonical = Canonicaliser("h264", None)
    assert canonical.convert(bare, keyframe=True) is None
    assert canonical.convert(unit.info.parameter_sets, keyframe=False) is None
    assert canonical.convert(bare, keyframe=True) is not None


def test_delimiters_and_filler_are_left_out() -> None:
    unit = units(seconds=1)[0]
    noisy = START_CODE + b"\x09\x10" + unit.data + START_CODE + b"\x0c\xff\xff\x80"
    converted = Canonicaliser("h264", None).convert(noisy, keyframe=True)
    assert converted is not None
    assert converted.data == unit.data


def test_new_parameter_sets_count_from_the_keyframe_that_they_come_with() -> None:
    small, large = units(seconds=1, size=(160, 96))[0], units(seconds=1, size=(176, 144))[0]
    canonical = Canonicaliser("h264", None)
    canonical.convert(small.data, keyframe=True)
    assert (canonical.width, canonical.height) == (160, 96)
    canonical.convert(large.info.parameter_sets, keyframe=False)
    assert canonical.parameter_sets == small.info.parameter_sets
    canonical.convert(large.data, keyframe=True)
    assert canonical.parameter_sets == large.info.parameter_sets
    assert (canonical.width, canonical.height) == (176, 144)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("size", [(160, 96), (162, 98), (640, 360), (1920, 1080), (174, 142)])
def test_the_size_is_that_of_the_shown_picture(codec: Codec, size: tuple[int, int]) -> None:
    info = units(codec, seconds=0.2, size=size)[0].info
    assert (info.width, info.height) == size


def test_an_open_gop_can_be_entered_at_its_recovery_point() -> None:
    found = units(seconds=4, gop=26, b_frames=2, open_gop=True)
    entries = [unit for unit in found if unit.keyframe]
    assert len(entries) >= 4
    assert sum(H264_IDR in kinds(unit.data) for unit in entries) == 1


def test_hostile_parameter_sets_do_not_raise() -> None:
    sps = split_annex_b(units(seconds=1)[0].info.parameter_sets)[0]
    slice_nal = START_CODE + b"\x65\x88\x84"
    for position in range(1, len(sps)):
        for value in (0x00, 0xFF, sps[position] ^ 0x10):
            bent = sps[:position] + bytes([value]) + sps[position + 1 :]
            canonical = Canonicaliser("h264", None)
            canonical.convert(START_CODE + bent + START_CODE + b"\x68\xce\x38\x80" + slice_nal, keyframe=True)
            canonical.convert(START_CODE + sps[:position] + START_CODE + b"\x68\xce" + slice_nal, keyframe=True)
    for cut in range(60):
        Canonicaliser("h264", b"\x01d\x00\x1f\xff\xe1\x00\x19"[:cut] + bytes(cut))
        Canonicaliser("h265", b"\x01" + bytes(21) + b"\xff" * cut)


def damaged(sets: list[bytes], chance: Random) -> list[bytes]:
    """Parameter sets of which one has some wrong bytes, or is cut."""
    bent = [bytearray(nal) for nal in sets]
    one = bent[chance.randrange(len(bent))]
    for _ in range(chance.choice([1, 1, 2, 4])):
        one[chance.randrange(2, len(one))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.2:
        del one[chance.randrange(2, len(one)) :]
    return [bytes(nal) for nal in bent]


def with_sets(unit: AccessUnit, sets: list[bytes]) -> bytes:
    """The keyframe behind other parameter sets."""
    return b"".join(START_CODE + nal for nal in sets) + unit.data.removeprefix(unit.info.parameter_sets)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("known_before", [False, True])
def test_whatever_parameter_sets_come_a_clip_can_be_written(codec: Codec, known_before: bool) -> None:
    found = units(codec, seconds=2, gop=25)[:25]
    sets = split_annex_b(found[0].info.parameter_sets)
    chance, refused = Random(1), 0
    for _ in range(300):
        canonical = Canonicaliser(codec, found[0].info.parameter_sets if known_before else None)
        unit = canonical.convert(with_sets(found[0], damaged(sets, chance)), keyframe=True)
        refused += canonical.refused_sets
        assert unit is not None or not known_before
        if unit is None:
            assert canonical.refused_sets == 1
            continue
        size = canonical.width, canonical.height
        assert 0 < size[0] * size[1] <= 35_651_584
        info = StreamInfo(codec, *size, canonical.parameter_sets, 0, 25.0)
        written: list[bytes] = []
        with Mp4Writer(written.append, info) as writer:
            writer.add(replace(found[0], data=unit.data, info=info))
            for later in found[1:]:
                writer.add(replace(later, info=info))
        assert written
    assert refused > 10


@pytest.mark.parametrize(
    ("codec", "sps"),
    [
        pytest.param("h264", "6742c00bda763684000003000400000300c83c50aa80", id="cropping leaves less than nothing"),
        # FFmpeg's muxer would count the reference pictures of this one for minutes.
        pytest.param(
            "h265",
            "42010101600000030090000003000003001ea214206165fa4a4c2e6c08010003000800000300c840",
            id="reference pictures beyond its end",
        ),
    ],
)
def test_a_damaged_parameter_set_leaves_those_before_it_in_force(codec: Codec, sps: str) -> None:
    unit = units(codec, seconds=1)[0]
    sets = split_annex_b(unit.info.parameter_sets)
    bent = [bytes.fromhex(sps) if nal[0] == bytes.fromhex(sps)[0] else nal for nal in sets]
    canonical = Canonicaliser(codec, None)
    assert canonical.convert(with_sets(unit, bent), keyframe=True) is None
    assert canonical.refused_sets == 1
    canonical.convert(unit.data, keyframe=True)
    converted = canonical.convert(with_sets(unit, bent), keyframe=True)
    assert converted is not None
    assert converted.data == unit.data
    assert (canonical.width, canonical.height, canonical.refused_sets) == (160, 96, 2)


@pytest.mark.parametrize(
    ("size", "sound"), [((16, 16), True), ((8192, 4352), True), ((16384, 16384), False), ((64, 32768), False)]
)
def test_a_size_that_no_level_allows_is_refused(size: tuple[int, int], sound: bool) -> None:
    """A decoder gets memory for what the set says: hundreds of megabytes for a lie."""
    sps = h264_sps(*size)
    canonical = Canonicaliser("h264", None)
    canonical.convert(START_CODE + sps + START_CODE + b"\x68\xce\x38\x80" + START_CODE + b"\x65\x88\x84", keyframe=True)
    assert canonical.refused_sets == (not sound)
    assert (canonical.width, canonical.height) == (size if sound else (0, 0))


def test_a_damaged_parameter_set_between_keyframes_is_left_out() -> None:
    first, second = units(seconds=1)[:2]
    canonical = Canonicaliser("h264", None)
    canonical.convert(first.data, keyframe=True)
    converted = canonical.convert(START_CODE + b"\x67\x42" + second.data, keyframe=False)
    assert converted is not None
    assert converted.data == second.data
    assert canonical.refused_sets == 1


def test_unusual_but_sound_parameter_sets_of_h265_are_taken() -> None:
    options = {
        "x265-params": "log-level=none:bframes=8:b-adapt=0:b-pyramid=1:ref=6:scaling-list=default:hrd=1:"
        "vbv-maxrate=500:vbv-bufsize=500:temporal-layers=2:repeat-headers=1:aud=1"
    }
    context = av.CodecContext.create("libx265", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt, context.options = 200, 120, "yuv420p", options
    context.framerate = Fraction(25)
    coded = [bytes(p) for _ in range(30) for p in context.encode(av.VideoFrame(200, 120, "yuv420p"))]
    coded += [bytes(p) for p in context.encode(None)]
    canonical = Canonicaliser("h265", None)
    assert canonical.convert(coded[0], keyframe=True) is not None
    assert (canonical.width, canonical.height, canonical.refused_sets) == (200, 120, 0)


class Thorough(Canonicaliser):
    """Takes every packet apart."""

    def _is_only_slices(self, packet: bytes) -> bool:
        return False


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_what_is_canonical_already_is_not_taken_apart_but_comes_out_the_same(codec: Codec) -> None:
    chance = Random(5)
    headers = [b"\x41\x9a", b"\x01\x9a", b"\x65\x88", b"\x06\x05", b"\x09\x10"]
    if codec == "h265":
        headers = [b"\x02\x01", b"\x00\x01", b"\x26\x01", b"\x4e\x01", b"\x46\x01", b"\x00\x02"]
    sets = units(codec, seconds=0.2)[0].info.parameter_sets
    quick, thorough, untouched = Canonicaliser(codec, sets), Thorough(codec, sets), 0
    for canonical in (quick, thorough):
        assert canonical.convert(units(codec, seconds=0.2)[0].data, True)
    for _ in range(4000):
        packet = b"".join(
            chance.choice([START_CODE, START_CODE, b"\x00\x00\x01", b""])
            + chance.choice(headers)
            + bytes(chance.choices([0, 0, 1, 7], k=chance.randrange(12)))
            for _ in range(chance.choice([1, 1, 2, 3]))
        )
        keyframe = chance.random() < 0.2
        converted = quick.convert(packet, keyframe)
        assert converted == thorough.convert(packet, keyframe)
        untouched += converted is not None and converted.data is packet
    assert untouched > 100
