"""Every error groundwire raises: what happened, what it likely means, what to do next.

An error is raised with typed values and builds its own text, so no message is written twice and
every field reaches `--json`. `code` is stable: documents, the JSON output and
`groundwire explain CODE` hang on it. The docstring of each class is what `explain` prints.
"""

from __future__ import annotations

from groundwire.errors.endings import (
    Cancelled,
    DidNotComeUp,
    InternalError,
    NoDiagnosis,
    StoppedPartWay,
)
from groundwire.errors.flash import (
    BackupUnusable,
    FlashChanged,
    FlashError,
    FlashProtected,
    FlashSilent,
    RedactionUnproven,
    VerifyMismatch,
)
from groundwire.errors.image import (
    ConversionRefused,
    DamagedImage,
    ImageError,
    ImageTooLarge,
    NotALoader,
    UnknownImage,
    WrongFamily,
)
from groundwire.errors.link import (
    BrokerUnreachable,
    LinkError,
    LinkLost,
    NoMeter,
    NoReply,
    NothingLinked,
    PatternNotSeen,
    PortBusy,
    PortDenied,
    PortFailed,
    PortMissing,
    Unplugged,
)
from groundwire.errors.protocol import (
    CommandRefused,
    CorruptFrame,
    ProtocolError,
    RegisterUnchanged,
    WrongReply,
)
from groundwire.errors.refusals import (
    ChipContradicted,
    RefusedBySafety,
    Unsupported,
    UnsupportedHere,
)
from groundwire.errors.shape import (
    EXIT_CODE_MEANINGS,
    ExitCode,
    GroundwireError,
)
from groundwire.errors.usage import (
    BadArgument,
    CannotCalibrate,
    InputUnreadable,
    LoaderMissing,
    LoaderNotFetched,
    OutputUnwritable,
    SpanOutside,
    SpanUnaligned,
    TwoRecorders,
    UsageError,
)

__all__ = [
    "EXIT_CODE_MEANINGS",
    "BackupUnusable",
    "BadArgument",
    "BrokerUnreachable",
    "Cancelled",
    "CannotCalibrate",
    "ChipContradicted",
    "CommandRefused",
    "ConversionRefused",
    "CorruptFrame",
    "DamagedImage",
    "DidNotComeUp",
    "ExitCode",
    "FlashChanged",
    "FlashError",
    "FlashProtected",
    "FlashSilent",
    "GroundwireError",
    "ImageError",
    "ImageTooLarge",
    "InputUnreadable",
    "InternalError",
    "LinkError",
    "LinkLost",
    "LoaderMissing",
    "LoaderNotFetched",
    "NoDiagnosis",
    "NoMeter",
    "NoReply",
    "NotALoader",
    "NothingLinked",
    "OutputUnwritable",
    "PatternNotSeen",
    "PortBusy",
    "PortDenied",
    "PortFailed",
    "PortMissing",
    "ProtocolError",
    "RedactionUnproven",
    "RefusedBySafety",
    "RegisterUnchanged",
    "SpanOutside",
    "SpanUnaligned",
    "StoppedPartWay",
    "TwoRecorders",
    "UnknownImage",
    "Unplugged",
    "Unsupported",
    "UnsupportedHere",
    "UsageError",
    "VerifyMismatch",
    "WrongFamily",
    "WrongReply",
    "error_classes",
]


def error_classes() -> dict[str, type[GroundwireError]]:
    """All error classes by their code, for `explain` and the generated reference."""
    found: dict[str, type[GroundwireError]] = {}
    waiting: list[type[GroundwireError]] = [GroundwireError]
    while waiting:
        cls = waiting.pop()
        found.setdefault(cls.code, cls)
        waiting.extend(cls.__subclasses__())
    return dict(sorted(found.items()))
