"""Configurations that several tests start from, and the two ways in which reading one can end."""

import json
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.config import Configuration, parse_configuration
from pi_sec_cam.errors import ConfigError

REPOSITORY = Path(__file__).parents[2]
FOLDER = Path("/etc/cameras")

FIRST_GENERATION: dict[str, Any] = {
    "cam_name": "PiSecCam",
    "framerate": 20,
    "rotation": 180,
    "video_size": [1280, 720],
    "dropbox": {"file_chunk_megs": 3, "token": None, "public_pem_path": None},
    "formats": {
        "overlay_date_format": "%Y-%m-%d %H:%M:%S",
        "day_directory_format": "%Y-%m-%d",
        "time_directory_format": "%H.%M.%S",
    },
    "motion": {
        "max_event_time": 60,
        "min_trigger_area": 0.005,
        "min_pixel_delta_trigger": 50,
        "rec_sec_after": 8,
        "rec_sec_before": 8,
    },
    "server": {
        "enabled": True,
        "api_key": None,
        "api_key_header_name": "x-api-key",
        "certfile_path": None,
        "keyfile_path": None,
        "mjpeg_framerate_cap": 1.5,
        "server_port": 8080,
    },
    "servos": [{"board_pin": 7, "angle_off": 90, "angle_on": 75}],
    "infrared_controller": {
        "enabled": True,
        "baudrate": 9600,
        "on_command": "on",
        "off_command": "off",
        "serial_port": "/dev/serial0",
        "serial_timeout": 1,
        "updates_per_sec": 5,
    },
}

EVERYTHING: dict[str, Any] = FIRST_GENERATION | {
    "$schema": "./camera_config.schema.json",
    "rotation": 0,
    "camera": {
        "backend": "stream",
        "url": "rtsp://user:geheim@10.0.0.2/main",
        "detect_url": "rtsp://user:geheim@10.0.0.2/sub",
        "pace": "realtime",
        "at_end": "loop",
        "bitrate": 2000000,
        "scene": {"light": "night", "seed": 4, "duration_s": 30},
    },
    "motion": FIRST_GENERATION["motion"] | {"fps": 4, "zones": [[[0, 0], [1, 0], [0.5, 1]]], "masks": []},
    "storage": {"directory": "footage", "max_bytes": 10**10, "max_age_days": 14, "sealed": True},
    "audio": {"enabled": True, "device": "USB", "offset_ms": -20},
    "dropbox": {"refresh_token": "geheim", "app_key": "app", "public_pem_path": "~/owner.pem", "file_chunk_secs": 2},
    "stores": [
        {"kind": "directory", "path": "/mnt/nas"},
        {"kind": "s3", "bucket": "b", "access_key_id": "id", "secret_access_key": "geheim", "region": "eu"},
    ],
    "evidence": {"timestamp_url": "https://me:geheim@stamps.example/tsa"},
    "server": {"certfile_path": "cert.pem", "keyfile_path": "key.pem", "api_key": "geheim"},
    "location": {"name": "Home", "latitude": 52.5, "longitude": 13.4},
    "remotes": [{"name": "Garage", "url": "https://me:geheim@garage:8080", "key": "geheim", "fingerprint": "ab" * 32}],
    "cameras": [{"cam_name": "Door", "motion": {"rec_sec_before": 3}}, {"cam_name": "Yard", "servos": []}],
}
# The one servo and the one controller of the top level cannot serve two cameras.
EVERYTHING["infrared_controller"] = {"enabled": False}
EVERYTHING["cameras"][0]["servos"] = [{"board_pin": 11}]


def load(tree: object) -> Configuration:
    """The configuration of a file with these values in /etc/cameras."""
    return parse_configuration(tree if isinstance(tree, str) else json.dumps(tree), folder=FOLDER)


def faults(tree: object) -> list[str]:
    """What is wrong with a file of these values."""
    with pytest.raises(ConfigError) as caught:
        load(tree)
    assert caught.value.faults
    return list(caught.value.faults)
