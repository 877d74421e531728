"""What can be made of an inspection: templates, configurations, drawings, extracted files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from groundwire.backup.files import make_folder, write_atomically
from groundwire.errors import OutputUnwritable, UnsupportedHere
from groundwire.exports.drawing import draw
from groundwire.exports.esphome import write_esphome
from groundwire.exports.openbeken_template import write_commands, write_template
from groundwire.exports.tasmota import write_tasmota
from groundwire.openbeken.file_names import extraction_plan
from groundwire.openbeken.littlefs import FileSystem
from groundwire.openbeken.wiring import to_openbeken
from groundwire.pins import Wiring


@dataclass(frozen=True, slots=True)
class Exports:
    """A wiring, and the files that are written from it; every method returns its notes."""

    wiring: Wiring
    name: str
    show_secrets: bool = False

    def _require(self, asked: str) -> None:
        """Refuse to write a file that would say nothing.

        Raises:
            UnsupportedHere: nothing is known of the pins.
        """
        if self.wiring.empty:
            reason = self.wiring.reason or "nothing is known of the pins"
            raise UnsupportedHere(
                asked=asked, reason=str(reason), advice="take the pins from the device's page"
            )

    def template(self, path: Path) -> Sequence[str]:
        """An OpenBeken template."""
        self._require("a template")
        text = write_template(self.wiring, name=self.name, show_secrets=self.show_secrets)
        write_atomically(path, text.encode())
        return to_openbeken(self.wiring).left_out

    def commands(self, path: Path) -> Sequence[str]:
        """OpenBeken console commands."""
        self._require("a list of commands")
        text = write_commands(self.wiring, show_secrets=self.show_secrets)
        write_atomically(path, text.encode())
        return to_openbeken(self.wiring).left_out

    def esphome(self, path: Path) -> Sequence[str]:
        """An ESPHome configuration; without pins it still links, joins and can be updated."""
        made = write_esphome(self.wiring, name=self.name)
        write_atomically(path, made.text.encode())
        needs = ", ".join(made.secrets)
        return (*made.notes, *((f"secrets.yaml must hold {needs}",) if needs else ()))

    def tasmota(self, path: Path) -> Sequence[str]:
        """A Tasmota template for an ESP8266 in the module's place."""
        self._require("a Tasmota template")
        made = write_tasmota(self.wiring, name=self.name)
        write_atomically(path, f"{made.text}\n".encode())
        return made.notes

    def drawing(self, path: Path) -> Sequence[str]:
        """A drawing of the module."""
        write_atomically(path, draw(self.wiring).encode())
        return ()


def extract_files(systems: Sequence[FileSystem], folder: Path) -> list[Path]:
    """Write the files of all file systems into a folder that is new or empty; nothing leaves it.

    Raises:
        UnsupportedHere: there is no file to extract.
        OutputUnwritable: the folder holds something, or cannot be written.
    """
    plan = extraction_plan(file for system in systems for file in system.files)
    if not plan:
        raise UnsupportedHere(asked="extracting files", reason="there is no LittleFS with files")
    make_folder(folder)
    # in an empty folder no link can lead out of it
    if any(folder.iterdir()):
        raise OutputUnwritable(path=str(folder), reason="the folder is not empty")
    written = []
    for name, content in plan.items():
        path = folder / name
        make_folder(path.parent)
        write_atomically(path, content)
        written.append(path)
    return written
