"""What a camera's other parts can be plugged into: microphones, and serial ports for the infrared controller."""

import importlib
import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pi_sec_cam.camera.device_access import may_open, no_permission


@dataclass(frozen=True, slots=True)
class Microphone:
    """A sound device that records.

    Attributes:
        device: as ALSA calls it ("hw:1,0"), or PortAudio's number where that library was asked.
        name: for people.
        rates: samples a second that it is known to do; empty where it does not say.
    """

    device: str
    name: str
    rates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port: its device file, and what is known of what is behind it."""

    device: str
    name: str


def microphones(proc: Path = Path("/proc/asound"), dev: Path = Path("/dev")) -> tuple[list[Microphone], list[str]]:
    """What can record sound, and what keeps it from being used.

    PyAudio is asked where it is installed, since the configuration then names its devices; the kernel's list else.
    """
    faults = [no_permission(node) for node in sorted(dev.glob("snd/pcmC*D*c")) if not may_open(node)]
    if importlib.util.find_spec("pyaudio") is not None:
        return _of_portaudio(), faults
    return _of_kernel(proc), faults


def serial_ports(dev: Path = Path("/dev")) -> tuple[list[SerialPort], list[str]]:
    """Serial ports, the Pi's own header pins (/dev/serial0) first, and what keeps one from being used."""
    from serial.tools import list_ports

    header = dev / "serial0"
    plugged = [port for port in list_ports.comports() if Path(port.device).exists()]
    found = [
        SerialPort(port.device, port.description if port.description != "n/a" else port.name)
        for port in sorted(plugged, key=lambda port: port.device)
        if os.path.realpath(port.device) != os.path.realpath(header)
    ]
    if header.exists():
        found.insert(0, SerialPort(str(header), f"the header's pins 8 and 10 ({os.path.realpath(header)})"))
    faults = [no_permission(Path(port.device)) for port in found if not may_open(Path(port.device))]
    return found, faults


def _of_portaudio() -> list[Microphone]:
    audio = importlib.import_module("pyaudio").PyAudio()
    try:
        listed = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    finally:
        audio.terminate()
    return [
        Microphone(str(info["index"]), str(info["name"]), (int(info["defaultSampleRate"]),))
        for info in listed
        if int(info["maxInputChannels"]) > 0
    ]


def _of_kernel(proc: Path) -> list[Microphone]:
    """From lines like "01-00: USB Audio : USB Audio : capture 1" of the kernel's list."""
    try:
        lines = (proc / "pcm").read_text(errors="replace").splitlines()
    except OSError:  # a kernel without sound
        return []
    found = []
    for line in lines:
        numbers, *said = [part.strip() for part in line.split(":")]
        place = re.fullmatch(r"(\d+)-(\d+)", numbers)
        if place and any(part.startswith("capture") for part in said):
            card, device = int(place[1]), int(place[2])
            found.append(
                Microphone(f"hw:{card},{device}", said[0], _usb_rates(proc / f"card{card}" / f"stream{device}"))
            )
    return found


def _usb_rates(stream: Path) -> tuple[int, ...]:
    """USB sound cards list their rates, those for recording after the word "Capture"; others do not."""
    try:
        _, _, capture = stream.read_text(errors="replace").partition("Capture:")
    except OSError:
        return ()
    return tuple(sorted({int(rate) for line in re.findall(r"Rates: ([\d, ]+)", capture) for rate in line.split(",")}))
