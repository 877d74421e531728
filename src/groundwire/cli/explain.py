"""groundwire explain."""

from __future__ import annotations

import difflib
import inspect

import click

from groundwire.cli.failures import FLAGS, UnknownCode
from groundwire.cli.options import ParamType, Settings, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import table
from groundwire.errors import EXIT_CODE_MEANINGS, GroundwireError, error_classes

NEAREST = 5


class CodeType(ParamType):
    """An error code; any text is taken, so that an unknown one can be answered with the nearest."""

    name = "code"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Codes that begin like this."""
        return [
            click.shell_completion.CompletionItem(code, help=title_of(cls))
            for code, cls in error_classes().items()
            if code.startswith(incomplete)
        ]


@click.command("explain")
@click.argument("code", type=CodeType(), required=False)
@screen_options
def command(settings: Settings, code: str | None) -> None:
    """Say what an error CODE means, its exit status and how to go on; without CODE, list all."""
    explain(settings, code)


def title_of(cls: type[GroundwireError]) -> str:
    """The first sentence of what an error means."""
    return (inspect.getdoc(cls) or "").split("\n", 1)[0]


def said(cls: type[GroundwireError], part: str) -> str:
    """What every error of a class says in one of its parts, or "" where that depends on values."""
    try:
        text = getattr(cls.__new__(cls), part)
    except AttributeError:
        return ""
    return text if isinstance(text, str) else ""


def explain(settings: Settings, code: str | None = None) -> None:
    """Show one code, or all."""
    without_module(settings, "explain", lambda _screen: _all() if code is None else _one(code))


def nearest_codes(wanted: str) -> tuple[str, ...]:
    """Codes that look or sound like the wanted one, the likeliest first."""
    codes = list(error_classes())
    lowered = wanted.lower()
    inside = [code for code in codes if lowered and lowered in code]
    alike = difflib.get_close_matches(lowered, codes, n=NEAREST, cutoff=0.4)
    return tuple(dict.fromkeys([*inside, *alike]))[:NEAREST]


def _all() -> Shown:
    classes = error_classes()
    lines = ["error codes; groundwire explain CODE tells more"]
    lines += table([(code, title_of(cls)) for code, cls in classes.items()])
    values = {
        code: {"title": title_of(cls), "exit_code": int(cls.exit_code)}
        for code, cls in classes.items()
    }
    return Shown(lines, {"codes": values})


def _one(code: str) -> Shown:
    cls = error_classes().get(code.lower())
    if cls is None:
        raise UnknownCode(wanted=code, nearest=nearest_codes(code))
    text = inspect.getdoc(cls) or ""
    status = cls.exit_code
    how = FLAGS.get(cls.code, "")
    lines = [cls.code, *(f"  {line}" if line else "" for line in text.splitlines()), ""]
    likely, step = said(cls, "means"), said(cls, "next_step")
    lines += table(
        [
            ("exit status", f"{int(status)}: {EXIT_CODE_MEANINGS[status]}"),
            ("likely", likely),
            ("how to go on", "; ".join(part for part in (step, how) if part)),
        ]
    )
    values = {
        "code": cls.code,
        "title": title_of(cls),
        "text": text,
        "error_exit_code": int(status),
        "likely": likely,
        "how_to_go_on": "; ".join(part for part in (step, how) if part),
    }
    return Shown(lines, values)
