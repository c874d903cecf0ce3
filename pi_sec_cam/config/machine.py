"""Configuration of the machine's own services and devices: server, location, remotes, servos, infrared controller."""

from typing import Annotated

from pydantic import Field, StringConstraints

from pi_sec_cam.config.addresses import WebAddress
from pi_sec_cam.config.values import Allowed, Angle, BoardPin, LocalPath, SecretText, Section, Text, Unit

_HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"  # a token, RFC 9110 section 5.6.2


class Server(Section):
    """The command server (TLS, with a secret header) and the pages for people."""

    enabled: Annotated[bool, Field(description="Whether the server runs")] = True
    api_key: Annotated[
        SecretText | None,
        Field(
            repr=False, description="The secret that callers send; null makes one on the first start and shows it once"
        ),
    ] = None
    api_key_header_name: Annotated[
        str,
        StringConstraints(pattern=_HEADER_NAME, max_length=100),
        Allowed("the name of an HTTP header (letters, digits and -)"),
        Field(description="The HTTP header that carries api_key"),
    ] = "x-api-key"
    certfile_path: Annotated[
        LocalPath | None, Field(description="The server's TLS certificate (PEM), with the keyfile")
    ] = None
    keyfile_path: Annotated[LocalPath | None, Field(description="The private key of that certificate (PEM)")] = None
    mjpeg_framerate_cap: Annotated[
        float, Field(gt=0, le=120, description="The most pictures a second that /stream sends to a caller"), Unit("1/s")
    ] = 1.5
    server_port: Annotated[int, Field(ge=1, le=65535, description="The TCP port to listen on")] = 8080


class Location(Section):
    """Where the machine stands: for sunrise and sunset, and for people who look after several sites."""

    name: Annotated[Text | None, Field(description="What people call the place")] = None
    latitude: Annotated[
        float | None, Field(ge=-90, le=90, description="Degrees north of the equator (south is negative)"), Unit("°")
    ] = None
    longitude: Annotated[
        float | None, Field(ge=-180, le=180, description="Degrees east of Greenwich (west is negative)"), Unit("°")
    ] = None


class Remote(Section):
    """A camera on another machine that runs this program, shown and controlled here too."""

    name: Annotated[Text, Field(examples=["garage"], description="What the camera is called here")]
    url: Annotated[
        WebAddress,
        Field(repr=False, examples=["https://garage.local:8080"], description="The address of its command server"),
    ]
    key: Annotated[SecretText, Field(repr=False, examples=["the api_key there"], description="Its server.api_key")]
    fingerprint: Annotated[
        Annotated[
            str,
            StringConstraints(pattern=r"^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$"),
            Allowed("a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons"),
        ]
        | None,
        Field(description="The SHA-256 fingerprint of its TLS certificate; null trusts the system's authorities alone"),
    ] = None


class Servo(Section):
    """A servo that turns the camera or opens its cover."""

    board_pin: Annotated[
        BoardPin, Field(examples=[7], description="The pin of the 40-pin header, by its number on the board")
    ]
    angle_off: Annotated[Angle, Field(description="Where the servo stands while the camera is stopped")] = 90
    angle_on: Annotated[Angle, Field(description="Where the servo stands while the camera watches")] = 75


_COMMAND = r"^[\x20-\x7e]{1,32}$"
_Command = Annotated[str, StringConstraints(pattern=_COMMAND), Allowed("1 to 32 plain ASCII characters")]


class InfraredController(Section):
    """The microcontroller on a serial line that senses the room's brightness and drives the infrared light."""

    enabled: Annotated[bool, Field(description="Whether there is one")] = True
    baudrate: Annotated[int, Field(ge=50, le=4_000_000, description="The speed of the serial line"), Unit("baud")] = (
        9600
    )
    on_command: Annotated[_Command, Field(description="The line that turns the controller on")] = "on"
    off_command: Annotated[_Command, Field(description="The line that turns the controller off")] = "off"
    serial_port: Annotated[Text, Field(description="The serial device")] = "/dev/serial0"
    serial_timeout: Annotated[
        float, Field(ge=0, le=60, description="How long to wait for the controller's next line"), Unit("s")
    ] = 1
    updates_per_sec: Annotated[
        float,
        Field(gt=0, le=100, description="How often to write commands that wait and to read the brightness"),
        Unit("1/s"),
    ] = 5
