"""Builds of the firmware, made once for all tests that ask."""

import shutil

import firmware_build as build
import pytest


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """A place to generate and build in, with the packaged ESPHome."""
    esphome = build.find_esphome()
    if esphome is None:
        pytest.skip("no esphome: set GROUNDWIRE_ESPHOME to its executable, or put it on PATH")
    return build.Workshop(esphome, tmp_path_factory.mktemp("firmware"))


@pytest.fixture(scope="session")
def compiler():
    if shutil.which("g++") is None:
        pytest.skip("no g++")


@pytest.fixture(scope="session")
def virtual(workshop, compiler):
    """What builds a host configuration into the bench on the virtual clock, each once."""
    made = {}

    def of(name):
        if name not in made:
            source = workshop.generate(f"tests/configs/host-{name}.yaml")
            made[name] = workshop.build(source, build.VIRTUAL_PARTS, build.VIRTUAL_BENCH)
        return made[name]

    return of
