"""What is found of cameras, microphones and serial ports, and what is said about what is not."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pi_sec_cam.camera import accessories, device_access, discover, v4l2_devices
from pi_sec_cam.camera.accessories import Microphone, SerialPort, microphones, serial_ports
from pi_sec_cam.camera.found import FoundCamera, Mode, choose
from pi_sec_cam.camera.pi_cameras import pi_cameras
from pi_sec_cam.camera.v4l2_devices import v4l2_cameras
from pi_sec_cam.cli import devices as command

HD = Mode("YUYV", 1280, 720, (10.0, 5.0))
HD_JPEG = Mode("MJPG", 1280, 720, (30.0, 15.0), "jpeg")
HD_VIDEO = Mode("H264", 1280, 720, (30.0, 20.0, 10.0), "h264")
VGA = Mode("YUYV", 640, 480, (30.0,))
FULL_HD = Mode("MJPG", 1920, 1080, (30.0,), "jpeg")
LASTING = "/dev/v4l/by-id/usb-Webcam-video-index0"
WEBCAM = FoundCamera("v4l2", "/dev/video0", "Webcam", (HD, HD_JPEG, VGA), LASTING)
PI_CAMERA = FoundCamera("picamera2", "0", "imx219", (Mode("SRGGB10_CSI2P", 1640, 1232, (41.85,)),))

modes = st.builds(
    Mode,
    st.sampled_from(["YUYV", "MJPG"]),
    st.integers(1, 960).map(lambda half: 2 * half),
    st.integers(1, 540).map(lambda half: 2 * half),
    st.lists(st.floats(1, 120), max_size=4).map(tuple),
)


class TestChoose:
    def test_the_exact_size_at_the_lowest_rate_that_is_enough(self) -> None:
        assert choose([HD, HD_JPEG, VGA, FULL_HD], 1280, 720, 14) == (HD_JPEG, 15.0)

    def test_the_first_format_where_several_will_do(self) -> None:
        assert choose([HD, Mode("MJPG", 1280, 720, (10.0,))], 1280, 720, 10) == (HD, 10.0)

    def test_the_highest_rate_where_none_is_enough(self) -> None:
        assert choose([HD, HD_JPEG], 1280, 720, 60) == (HD_JPEG, 30.0)

    def test_2997_is_30(self) -> None:
        assert choose([Mode("YUYV", 640, 480, (60.0, 29.97))], 640, 480, 30)[1] == 29.97

    def test_a_size_that_is_not_offered_becomes_the_smallest_that_covers_it(self) -> None:
        assert choose([FULL_HD, HD, VGA], 800, 600, 5)[0] == HD

    def test_or_the_nearest_where_none_covers_it(self) -> None:
        assert choose([VGA, HD], 3840, 2160, 5)[0] == HD

    def test_a_camera_that_names_no_rate_is_taken_at_its_word(self) -> None:
        assert choose([Mode("YUYV", 640, 480)], 640, 480, 12) == (Mode("YUYV", 640, 480), 12)

    def test_video_that_the_camera_encodes_comes_before_pictures(self) -> None:
        assert choose([HD, HD_JPEG, HD_VIDEO], 1280, 720, 20) == (HD_VIDEO, 20.0)
        assert choose([HD_VIDEO, Mode("HEVC", 1280, 720, (20.0,), "h265")], 1280, 720, 20)[0] == HD_VIDEO

    def test_but_none_of_another_size(self) -> None:
        assert choose([VGA, HD_VIDEO], 640, 480, 20)[0] == VGA
        assert choose([VGA, HD_VIDEO], 800, 600, 20)[0] == VGA

    def test_or_of_another_rate_because_no_picture_of_it_can_be_left_out(self) -> None:
        fast = Mode("H264", 1280, 720, (30.0,), "h264")
        assert choose([HD_JPEG, fast], 1280, 720, 20) == (fast, 30.0)
        assert choose([HD_JPEG, fast], 1280, 720, 15) == (HD_JPEG, 15.0)
        assert choose([HD_JPEG, fast], 1280, 720, 31) == (HD_JPEG, 30.0)

    def test_a_camera_with_nothing_but_video_delivers_that(self) -> None:
        assert choose([HD_VIDEO], 640, 480, 15) == (HD_VIDEO, 20.0)

    def test_nothing_to_choose_from(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            choose([], 640, 480, 10)

    @given(st.lists(modes, min_size=1), st.integers(2, 1920), st.integers(2, 1080), st.floats(1, 60))
    def test_an_offered_size_is_never_passed_over(
        self, offered: list[Mode], width: int, height: int, rate: float
    ) -> None:
        mode, chosen = choose([*offered, Mode("YUYV", width, height, (rate,))], width, height, rate)
        assert (mode.width, mode.height) == (width, height)
        assert chosen >= rate * 0.98


class TestV4l2Cameras:
    def test_files_that_are_no_v4l2_devices_are_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "video0").write_bytes(b"not a device")
        (tmp_path / "videos").mkdir()
        assert v4l2_cameras(tmp_path) == ([], [])

    def test_a_node_that_does_not_answer_is_named_and_hides_no_other(self, tmp_path: Path) -> None:
        (tmp_path / "video3").mkdir()
        _, problems = v4l2_cameras(tmp_path)
        assert len(problems) == 1
        assert str(tmp_path / "video3") in problems[0]

    def test_the_lasting_name_is_the_models_else_the_sockets(self, tmp_path: Path) -> None:
        (tmp_path / "video0").touch()
        (tmp_path / "video1").touch()
        for kind in ("by-id", "by-path"):
            (tmp_path / "v4l" / kind).mkdir(parents=True)
        assert v4l2_devices._lasting(tmp_path / "video0") == ""
        for link, to in (("by-path/socket-1", 0), ("by-path/socket-2", 1), ("by-id/model-index0", 1)):
            (tmp_path / "v4l" / link).symlink_to(f"../../video{to}")
        assert v4l2_devices._lasting(tmp_path / "video0") == str(tmp_path / "v4l/by-path/socket-1")
        assert v4l2_devices._lasting(tmp_path / "video1") == str(tmp_path / "v4l/by-id/model-index0")

    def test_a_node_without_permission_names_its_group(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "video0").touch()
        monkeypatch.setattr(device_access.os, "access", lambda *_: False)
        monkeypatch.setattr(device_access.grp, "getgrgid", lambda _: type("Group", (), {"gr_name": "video"}))
        _, problems = v4l2_cameras(tmp_path)
        assert len(problems) == 1
        assert f"no permission to open {tmp_path / 'video0'}" in problems[0]
        assert "sudo usermod -aG video $USER" in problems[0]


@pytest.fixture
def fake_picamera2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package called picamera2 whose text the test writes."""
    package = tmp_path / "site" / "picamera2.py"
    package.parent.mkdir()
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    yield package
    sys.modules.pop("picamera2", None)


class TestPiCameras:
    def test_without_picamera2_a_pi_is_told_how_to_get_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        model = tmp_path / "model"
        model.write_bytes(b"Raspberry Pi Zero 2 W Rev 1.0\0")
        found, problems = pi_cameras(with_modes=True, model=model)
        assert found == []
        assert "sudo apt install python3-picamera2" in problems[0]

    def test_without_picamera2_another_machine_hears_nothing_of_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        assert pi_cameras(with_modes=True, model=tmp_path / "absent") == ([], [])

    @pytest.mark.parametrize(
        "text",
        ["import no_such_part", "raise ValueError('numpy.dtype size changed')", "raise OSError('libcamera.so.0.4')"],
    )
    def test_a_broken_library_is_reported(self, fake_picamera2: Path, text: str) -> None:
        fake_picamera2.write_text(text)
        found, problems = pi_cameras(with_modes=True)
        assert found == []
        assert len(problems) == 1
        assert problems[0].startswith("picamera2 ")
        assert "sudo apt install" in problems[0]

    def test_cameras_on_the_connector_without_those_on_usb(self, fake_picamera2: Path) -> None:
        fake_picamera2.write_text(LIBRARY)
        found, problems = pi_cameras(with_modes=True)
        assert found == [
            FoundCamera("picamera2", "0", "imx708", (Mode("SRGGB10_CSI2P", 1536, 864, (120.13,)),)),
            FoundCamera("picamera2", "2", "ov5647"),
        ]
        assert problems == ["Pi camera 2 (ov5647) cannot be asked for its modes: busy"]

    def test_the_quick_look_opens_none(self, fake_picamera2: Path) -> None:
        fake_picamera2.write_text(LIBRARY)
        found, problems = pi_cameras(with_modes=False)
        assert [camera.modes for camera in found] == [(), ()]
        assert problems == []


# What picamera2 says of two cameras on the connector, the second held by another program, and one on USB
# (Picamera2.global_camera_info and Picamera2.sensor_modes of 0.3.38).
LIBRARY = """
class Picamera2:
    def __init__(self, camera_num):
        if camera_num != 0:
            raise RuntimeError("Camera __init__ sequence did not complete.") from RuntimeError("busy")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    sensor_modes = [
        {"format": "SRGGB10_CSI2P", "unpacked": "SRGGB10", "bit_depth": 10, "size": (1536, 864), "fps": 120.13,
         "crop_limits": (768, 432, 3072, 1728), "exposure_limits": (9, 77193582, 20000)},
    ]

    @staticmethod
    def global_camera_info():
        return [
            {"Model": "imx708", "Location": 2, "Rotation": 180, "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a", "Num": 0},
            {"Model": "UVC Camera", "Location": 2, "Id": "/base/scb/pcie@7d500000/usb@0,0-1.2:1.0-046d:0825", "Num": 1},
            {"Model": "ov5647", "Location": 2, "Rotation": 0, "Id": "/base/soc/i2c0mux/i2c@0/ov5647@36", "Num": 2},
        ]
"""


class TestBest:
    @pytest.mark.parametrize(
        ("on_connector", "on_v4l2", "best"),
        [
            ([PI_CAMERA], [WEBCAM], PI_CAMERA),
            ([], [FoundCamera("v4l2", "/dev/video0", "thermal, no format of ours"), WEBCAM], WEBCAM),
            ([], [], None),
        ],
    )
    def test_a_pi_camera_else_a_webcam_that_works_else_none(
        self,
        monkeypatch: pytest.MonkeyPatch,
        on_connector: list[FoundCamera],
        on_v4l2: list[FoundCamera],
        best: FoundCamera | None,
    ) -> None:
        monkeypatch.setattr(discover, "pi_cameras", lambda *, with_modes: (on_connector, []))
        monkeypatch.setattr(discover, "v4l2_cameras", lambda dev: (on_v4l2, []))
        assert discover.best() == best

    @pytest.mark.parametrize(("kind", "best"), [("v4l2", WEBCAM), ("picamera2", PI_CAMERA), (None, PI_CAMERA)])
    def test_of_one_backend(self, monkeypatch: pytest.MonkeyPatch, kind: str | None, best: FoundCamera) -> None:
        monkeypatch.setattr(discover, "pi_cameras", lambda *, with_modes: ([PI_CAMERA], []))
        monkeypatch.setattr(discover, "v4l2_cameras", lambda dev: ([WEBCAM], []))
        assert discover.best(kind=kind) == best


class TestMicrophones:
    @pytest.fixture(autouse=True)
    def _without_pyaudio(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(accessories.importlib.util, "find_spec", lambda _: None)

    def test_those_of_the_kernel_that_record(self, tmp_path: Path) -> None:
        (tmp_path / "pcm").write_text(
            "00-00: bcm2835 Headphones : bcm2835 Headphones : playback 8\n"
            "01-00: USB Audio : USB Audio : playback 1 : capture 1\n"
            "02-03: ALC295 Analog : ALC295 Analog : capture 2\n"
        )
        (tmp_path / "card1").mkdir()
        (tmp_path / "card1/stream0").write_text(
            "Playback:\n  Interface 1\n    Rates: 96000\nCapture:\n  Interface 2\n    Rates: 48000, 44100\n"
            "  Interface 2\n    Rates: 48000\n"
        )
        found, problems = microphones(tmp_path, tmp_path)
        assert found == [Microphone("hw:1,0", "USB Audio", (44100, 48000)), Microphone("hw:2,3", "ALC295 Analog")]
        assert problems == []

    def test_a_kernel_without_sound(self, tmp_path: Path) -> None:
        assert microphones(tmp_path / "absent", tmp_path) == ([], [])


def test_the_headers_serial_port_comes_first_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uart, stick = tmp_path / "ttyAMA0", tmp_path / "ttyUSB0"
    uart.touch()
    stick.touch()
    (tmp_path / "serial0").symlink_to(uart)
    listed = [
        type("Port", (), {"device": str(place), "description": said, "name": place.name})
        for place, said in ((stick, "FT232R USB UART"), (uart, "n/a"))
    ]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: listed)
    found, problems = serial_ports(tmp_path)
    assert found == [
        SerialPort(str(tmp_path / "serial0"), f"the header's pins 8 and 10 ({uart})"),
        SerialPort(str(stick), "FT232R USB UART"),
    ]
    assert problems == []


def test_a_device_names_the_programs_that_hold_it(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    for number, name, opened in ((41, "motion", device), (42, "sshd", tmp_path)):
        (tmp_path / "proc" / str(number) / "fd").mkdir(parents=True)
        (tmp_path / "proc" / str(number) / "fd" / "3").symlink_to(opened)
        (tmp_path / "proc" / str(number) / "comm").write_text(f"{name}\n")
    assert device_access.holders(device, tmp_path / "proc") == ["motion (process 41)"]


class TestCommand:
    @pytest.fixture
    def machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(command, "cameras", lambda: ([PI_CAMERA, WEBCAM], ["something to mend"]))
        monkeypatch.setattr(command, "best", lambda: PI_CAMERA)
        monkeypatch.setattr(command, "microphones", lambda: ([Microphone("hw:1,0", "USB Audio", (48000,))], []))
        monkeypatch.setattr(command, "serial_ports", lambda: ([SerialPort("/dev/ttyUSB0", "a stick")], []))

    @pytest.fixture
    def empty_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(command, "best", lambda: None)
        for name in ("cameras", "microphones", "serial_ports"):
            monkeypatch.setattr(command, name, lambda: ([], []))

    @pytest.mark.usefixtures("machine")
    def test_json_for_scripts(self) -> None:
        done = CliRunner().invoke(command.devices, ["--json"])
        assert done.exit_code == 0
        said = json.loads(done.stdout)
        assert said["cameras"][1]["device"] == "/dev/video0"
        mode = {"format": "MJPG", "width": 1280, "height": 720, "rates": [30.0, 15.0], "coding": "jpeg"}
        assert said["cameras"][1]["modes"][1] == mode
        assert said["microphones"] == [{"device": "hw:1,0", "name": "USB Audio", "rates": [48000]}]
        assert said["serial_ports"] == [{"device": "/dev/ttyUSB0", "name": "a stick"}]
        assert said["problems"] == ["something to mend"]

    @pytest.mark.usefixtures("machine")
    def test_plain_lines_where_nobody_looks(self) -> None:
        done = CliRunner().invoke(command.devices, ["-c", "absent.json"])
        assert done.exit_code == 0
        assert (
            "\tv4l2\t/dev/video0\tWebcam\t1280×720 YUYV\t10, 5\n\t\t\t\t1280×720 MJPG\t30, 15\tJPEG pictures\n"
            in done.stdout
        )
        assert f"/dev/video0 may get another number; this stays: {LASTING}\n" in done.stdout
        assert done.stderr == "something to mend\n"

    @pytest.mark.usefixtures("empty_machine")
    def test_where_nothing_is_found_it_says_what_to_do(self) -> None:
        done = CliRunner().invoke(command.devices)
        assert done.exit_code == 0
        assert "Cameras: none found" in done.stdout
        assert "--demo" in done.stdout

    @pytest.mark.usefixtures("machine")
    def test_the_best_camera(self) -> None:
        done = CliRunner().invoke(command.devices, ["--best"])
        assert (done.exit_code, done.stdout) == (0, "picamera2 0 imx219\n")

    @pytest.mark.usefixtures("empty_machine")
    @pytest.mark.parametrize(("arguments", "stdout"), [(["--best"], ""), (["--best", "--json"], "null\n")])
    def test_no_best_camera_is_status_1(self, arguments: list[str], stdout: str) -> None:
        done = CliRunner().invoke(command.devices, arguments)
        assert (done.exit_code, done.stdout) == (1, stdout)
