"""Lets old tools install the project; all of its metadata is in pyproject.toml."""

from setuptools import setup

setup()
