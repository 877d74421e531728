"""Which Beken chips a bootloader or an application can be for, and what says so.

The code itself gives the first list: the marker that the packer leaves in it, and its key set.
Every further finding narrows the list; one that would empty it is a contradiction and is kept
apart, because it means that parts of two chips were put together.
"""

# Ref: beken-images, section 7

from __future__ import annotations

from dataclasses import dataclass

from groundwire.evidence import Evidence

# Chips whose code carries a marker, by marker and key set, the likeliest first. N and M differ in
# nothing but the key; a BL2028N runs either's code.
_BY_MARKER: dict[tuple[str, str], tuple[str, ...]] = {
    ("BK7231", "tuya"): ("BK7231N", "BL2028N"),
    ("BK7231", "zero"): ("BK7231M", "BL2028N"),
    ("BK7231", "uascent"): ("BK7231N", "BL2028N"),
    ("BK7231", "other"): ("BK7231N", "BL2028N"),
    ("BK7231", ""): ("BK7231N", "BK7231M", "BL2028N"),
    ("", "tuya"): ("BK7231T", "BK7252"),
    ("", "zero"): ("BK7231U", "BK7231Q", "BK7252"),
    ("", ""): ("BK7231T", "BK7231U", "BK7231Q", "BK7252"),
}
_UNMARKED = ("BK7231T", "BK7231U", "BK7231Q", "BK7252")
_MARKED_7238: tuple[str, ...] = ("BK7238", "BK7252N")

# By the start and size of the download partition; sizes that several chips share are not here.
_BY_DOWNLOAD: dict[tuple[int, int], tuple[str, ...]] = {
    (0x12A000, 0xA6000): ("BK7231N", "BK7231M"),
    (0x132000, 0xA6000): ("BK7231T",),
    (0x132000, 0xCC000): ("BK7231Q",),
    (0x132000, 0xAE000): ("BK7231U", "BK7238", "BK7252", "BK7252N", "BL2028N"),
}
_BY_LOADER_TEXT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("BK7231N_", ("BK7231N", "BK7231M")),
    ("BK7231S_", ("BK7231T",)),
    ("BK7231n+_", ("BL2028N",)),
    ("BK7231u_", ("BK7231U",)),
    ("BK7231U_", ("BK7231U",)),
    ("BK7252N_", ("BK7252N",)),
    ("BK7251_", ("BK7252",)),
    ("BK7252_", ("BK7252",)),
)


@dataclass(frozen=True, slots=True)
class ChipGuess:
    """The chips that all findings allow; `contradictions` are the findings that fit none."""

    chips: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    contradictions: tuple[Evidence, ...] = ()

    def narrowed(self, allowed: tuple[str, ...], evidence: Evidence) -> ChipGuess:
        """The guess with one more finding."""
        left = tuple(chip for chip in self.chips if chip in allowed)
        if not left:
            return ChipGuess(self.chips, self.evidence, (*self.contradictions, evidence))
        return ChipGuess(left, (*self.evidence, evidence), self.contradictions)


def from_code(marker: str, key_class: str, where: str) -> ChipGuess:
    """The first list, from the marker and the key set of code."""
    if marker == "BK7238":
        chips = _MARKED_7238
    elif marker == "BK7231":
        chips = _BY_MARKER[marker, key_class]
    else:
        chips = _BY_MARKER.get(("", key_class), _UNMARKED)
    shown = marker or "none (T, U, Q and 7252 have none)"
    found = [Evidence("chip marker", shown, f"offset 0x100 of the {where}")]
    if key_class:
        found.append(Evidence("key set", key_class, f"vector table of the {where}"))
    return ChipGuess(chips, tuple(found))


def chips_of_download(start: int, size: int) -> tuple[str, ...]:
    """The chips whose loaders have their download partition there; empty if unknown."""
    return _BY_DOWNLOAD.get((start, size), ())


def chips_of_loader_text(version: str) -> tuple[str, ...]:
    """The chips that a loader's own version text names; empty if unknown."""
    for prefix, chips in _BY_LOADER_TEXT:
        if version.startswith(prefix):
            return chips
    return ()


def chips_of_app_text(chip: str) -> tuple[str, ...]:
    """The chips that run a build which names `chip`.

    Builds for N also run on M (another key, which is looked at elsewhere) and on BL2028N.
    """
    if chip in {"BK7231N", "BK7231M"}:
        return ("BK7231N", "BK7231M", "BL2028N")
    return (chip,)
