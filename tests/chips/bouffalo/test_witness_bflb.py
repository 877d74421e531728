"""The vendor's own host, unchanged but for modem lines, flashes the emulated module over a pty.

It needs an environment of its own because it pins old packages: GROUNDWIRE_BFLB_MCU_TOOL names the
tool in it, bflb-mcu-tool 1.10.0.
"""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from groundwire.chips.bouffalo import loader
from groundwire.chips.bouffalo.emulated_chip import ChipOptions
from groundwire.chips.bouffalo.emulator import BouffaloEmulator
from groundwire.chips.bouffalo.messages import Op
from groundwire.chips.nor_flash import NorFlash
from groundwire.images.bouffalo import boot_header
from groundwire.link.serve import Pace, PtyEndpoint, serve
from groundwire.sim.bouffalo import application, stock_flash

ENVIRONMENT = "GROUNDWIRE_BFLB_MCU_TOOL"
SHIM = Path(__file__).parent / "bflb_shim.py"


@pytest.fixture
def tool():
    """The Python of the environment in which the tool is installed."""
    named = os.environ.get(ENVIRONMENT)
    if not named or not Path(named).exists():
        pytest.skip(f"{ENVIRONMENT} names no bflb-mcu-tool")
    return str(Path(named).with_name("python"))


@pytest.fixture
def module():
    emulator = BouffaloEmulator("BL602", NorFlash(0x200000, "ef4015"), ChipOptions())
    endpoint = PtyEndpoint()
    done = threading.Event()
    thread = threading.Thread(
        target=serve, args=(emulator, endpoint, done.is_set, Pace()), daemon=True
    )
    thread.start()
    yield emulator, endpoint.name
    done.set()
    thread.join()
    endpoint.close()


@pytest.mark.witness
@pytest.mark.slow
def test_bflb_mcu_tool_flashes_to_success(tool, module, tmp_path):
    emulator, port = module
    image = application(20_000, b"witness")
    path = tmp_path / "image.bin"
    path.write_bytes(image)
    command = [
        tool, str(SHIM), "--chipname=bl602", f"--port={port}", "--baudrate=2000000",
        "--xtal=40M", f"--firmware={path}",
    ]  # fmt: skip
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False
    )
    said = ran.stdout + ran.stderr
    assert "[All Success" in said, said[-2000:]
    header = boot_header.parse(emulator.flash.data)
    assert header.header_ok
    start = header.image_start
    assert bytes(emulator.flash.data[start : start + len(image)]) == image
    assert header.hash_fits(emulator.flash.data[start:])


@pytest.mark.witness
@pytest.mark.slow
def test_the_vendors_reader_reads_the_whole_flash(tool, module, tmp_path):
    emulator, port = module
    emulator.flash.data[:] = stock_flash()
    out = tmp_path / "read.bin"
    command = [
        tool, str(SHIM), "read", "--chipname=bl602", "--read", "--flash", f"--port={port}",
        "--baudrate=2000000", "--start=0", "--end=1FFFFF", f"--file={out}",
        f"--config={package(tool) / 'chips/bl602/eflash_loader/eflash_loader_cfg.conf'}",
    ]  # fmt: skip
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False
    )
    assert out.exists(), (ran.stdout + ran.stderr)[-2000:]
    assert out.read_bytes() == stock_flash()


def package(python):
    found = subprocess.run(
        [python, "-c", "import bflb_mcu_tool; print(bflb_mcu_tool.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return Path(found.stdout.strip())


@pytest.mark.witness
def test_the_real_loader_is_known_guarded_and_provable(tool):
    path = package(tool) / "chips/bl602/eflash_loader/eflash_loader_40m.bin"
    data = path.read_bytes()
    assert loader.name_loader(data) == "bflb 1.10.0"
    before = loader.parse_loader(data)
    after = loader.ready_to_send(data)
    assert after.guarded
    rows = {row.op: row.on for row in loader.command_table(after.data, after.segment)}
    assert len(rows) == 24
    assert not {Op.ERASE, Op.ERASE_ALL} & rows.keys()
    assert rows[Op.GUARDED_ERASE]
    assert rows[Op.PROVE_GUARD]
    assert not rows[Op.WRITE_EFUSE]
    assert not rows[Op.BOOT_FROM_FLASH]
    # six bytes of the program differ, all of them in its command table
    changed = [at for at, (a, b) in enumerate(zip(before.data, after.data, strict=True)) if a != b]
    assert len(changed) == 6
    assert after.header[132:164] == loader.image_hash(after)
