"""The component compiles for the module's core, is small, and takes no memory while it runs."""

import shutil

import pytest
from firmware_build import run

pytestmark = [pytest.mark.witness, pytest.mark.slow]

MOST_BYTES = {"thumb": 9_000, "arm": 12_500}
ALLOCATES = ("malloc", "calloc", "realloc", "_Znw", "_Zna", "_ZNSt")


@pytest.fixture(scope="module")
def source(workshop):
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("no arm-none-eabi-g++")
    return workshop.generate("esphome/examples/two-clamps-h1.yaml")


@pytest.mark.parametrize("state", ["thumb", "arm"])
def test_it_compiles_and_is_small(workshop, source, state):
    objects = workshop.build_for_target(source, state)
    rows = run(["arm-none-eabi-size", *objects]).splitlines()[1:]
    text, data, bss = (sum(int(row.split()[column]) for row in rows) for column in range(3))
    print(f"{state}: text {text}, data {data}, bss {bss}")  # noqa: T201
    assert 4_000 < text < MOST_BYTES[state]
    assert data + bss == 0


def test_it_never_allocates(workshop, source):
    objects = workshop.build_for_target(source, "thumb")
    wanted = run(["arm-none-eabi-nm", "-u", *objects])
    assert not [
        line
        for line in wanted.splitlines()
        if line.strip().removeprefix("U ").startswith(ALLOCATES)
    ]


def test_each_byte_is_sent_under_the_interrupt_lock(workshop, source):
    [sender] = [
        path for path in workshop.build_for_target(source, "thumb") if "sender" in path.name
    ]
    assert run(["arm-none-eabi-nm", "-u", sender]).count("InterruptLock") == 2
