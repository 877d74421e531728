"""Builds the firmware for the host from ESPHome's generated sources, with our bench around it.

ESPHome is used as it is installed: `GROUNDWIRE_ESPHOME` names its executable, else PATH is
searched. Nothing of it is copied into this repository.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parent.parent
BENCH = FIRMWARE / "tests" / "bench"
# What of ESPHome's host platform the bench itself provides.
VIRTUAL_PARTS = (
    "host/hal.cpp",
    "host/gpio.cpp",
    "host/core.cpp",
    "uart_component_host.cpp",
    "wake_host.cpp",
)
REAL_PARTS = ("host/gpio.cpp", "host/core.cpp")
REAL_BENCH = ("platform_real.cpp",)
WORLD_BENCH = ("wire.cpp", "chip.cpp", "bench.cpp", "platform_virtual.cpp")
VIRTUAL_BENCH = (*WORLD_BENCH, "main_virtual.cpp")
DECODER_BENCH = (*WORLD_BENCH, "main_decoder.cpp")
UNITS_BENCH = (*WORLD_BENCH, "main_units.cpp")
STANDARD = "-std=gnu++20"
TARGET_STUBS = FIRMWARE / "tests" / "target"
TARGET_FLAGS = (
    "-mcpu=arm968e-s",
    "-Os",
    STANDARD,
    "-fno-exceptions",
    "-fno-rtti",
    "-Wall",
    "-Wno-format",
    "-ffunction-sections",
    "-include",
    "Arduino.h",
    "-DUSE_BK72XX",
    "-DUSE_LIBRETINY",
    "-DUSE_LIBRETINY_VARIANT_BK7231N",
    "-DUSE_ARDUINO",
    "-DUSE_LWIP_FAST_SELECT",
    "-DESPHOME_LOG_LEVEL=ESPHOME_LOG_LEVEL_DEBUG",
)


class BuildError(Exception):
    """A tool said no; its last words are the message."""


def find_esphome() -> str | None:
    """The executable of ESPHome, or None."""
    return os.environ.get("GROUNDWIRE_ESPHOME") or shutil.which("esphome")


def run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{command[0]}: {(done.stdout + done.stderr)[-4000:]}")
    return done.stdout + done.stderr


@dataclass
class Workshop:
    """A folder in which configurations are generated and built; objects are shared between them."""

    esphome: str
    folder: Path
    objects: Path = field(init=False)

    def __post_init__(self) -> None:
        cache = os.environ.get("GROUNDWIRE_FIRMWARE_CACHE")
        self.objects = Path(cache) if cache else self.folder / "objects"
        self.objects.mkdir(parents=True, exist_ok=True)
        # ESPHome writes beside the configuration it reads, so it reads a copy.
        shutil.copytree(
            FIRMWARE,
            self.folder / "firmware",
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(".esphome", "__pycache__"),
        )

    def config(self, path: str, **substitutions: str) -> Path:
        """Where a configuration stands; runs `esphome config` on it."""
        self.say("config", path, **substitutions)
        return self.folder / "firmware" / path

    def say(self, command: str, path: str, *options: str, **substitutions: str) -> str:
        """What ESPHome says to a command on a configuration."""
        config = self.folder / "firmware" / path
        return run([self.esphome, *_options(substitutions), command, *options, config])

    def generate(self, path: str, **substitutions: str) -> Path:
        """The generated sources of a configuration."""
        config = self.folder / "firmware" / path
        build = config.parent / ".esphome" / "build"
        if build.exists():
            shutil.rmtree(build)
        self.say("compile", path, "--only-generate", **substitutions)
        [made] = build.iterdir()
        kept = self.folder / "generated" / path.replace("/", "-")
        if kept.exists():
            shutil.rmtree(kept)
        shutil.copytree(made / "src", kept)
        return kept

    def build(self, source: Path, parts: Iterable[str], bench: Iterable[str]) -> Path:
        """An executable of generated sources, with the bench's in the place of some parts."""
        left_out = tuple(parts)
        files = sorted(source.rglob("*.cpp"))
        files = [file for file in files if not file.as_posix().endswith(left_out)]
        files += [BENCH / name for name in bench]
        headers = _hash_of([*source.rglob("*.h"), *BENCH.glob("*.h")], (source, BENCH))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(lambda file: self._compile(file, source, headers), files))
        binary = source.parent / f"{source.name}-{'-'.join(Path(name).stem for name in bench)}"
        run(["g++", *objects, "-o", binary, "-lpthread"])
        return binary

    def build_for_target(self, source: Path, state: str) -> list[Path]:
        """Objects of our component for the module's core, in one of its two instruction sets."""
        made = []
        for file in sorted((source / "esphome/components/shared_uart").glob("*.cpp")):
            made.append(self.folder / f"{file.stem}-{state}.o")
            run(
                [
                    "arm-none-eabi-g++",
                    *TARGET_FLAGS,
                    f"-m{state}",
                    f"-I{source}",
                    f"-I{TARGET_STUBS}",
                    "-c",
                    file,
                    "-o",
                    made[-1],
                ]
            )
        return made

    def _compile(self, file: Path, source: Path, headers: str) -> Path:
        ours = BENCH in file.parents or "shared_uart" in file.parts
        warnings = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"] if ours else ["-w"]
        flags = ["-O2", "-DUSE_HOST", "-DESPHOME_LOG_LEVEL=ESPHOME_LOG_LEVEL_DEBUG", STANDARD]
        key = hashlib.sha256(
            "\0".join([*flags, *warnings, headers, file.read_text()]).encode()
        ).hexdigest()
        made = self.objects / f"{key}.o"
        if not made.exists():
            # Written under another name first: several test runs may share the folder.
            with tempfile.NamedTemporaryFile(dir=self.objects, suffix=".tmp", delete=False) as new:
                run(
                    [
                        "g++",
                        *flags,
                        *warnings,
                        f"-I{source}",
                        f"-I{BENCH}",
                        "-c",
                        file,
                        "-o",
                        new.name,
                    ]
                )
            Path(new.name).replace(made)
        return made


def _options(substitutions: dict[str, str]) -> list[str]:
    return [part for item in substitutions.items() for part in ("-s", *item)]


def _hash_of(files: Iterable[Path], roots: Sequence[Path]) -> str:
    total = hashlib.sha256()
    for file in sorted(files):
        root = next(root for root in roots if root in file.parents)
        total.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return total.hexdigest()
