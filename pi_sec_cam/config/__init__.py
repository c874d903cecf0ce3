"""The configuration file: JSON in, validated models out, all faults at once (docs/configuration.md)."""

from pi_sec_cam.config.configuration import CameraConfiguration, Configuration
from pi_sec_cam.config.load import load_configuration, parse_configuration

__all__ = ["CameraConfiguration", "Configuration", "load_configuration", "parse_configuration"]
