"""Real flashes in emulated modules: they link, and what is read is what is there."""

import pytest

from chips.beken.beken_frames import FRAMES
from corpus import dump, dump_names
from groundwire.chips.beken.codec import ReplyBuffer, decode_reply, encode_command
from groundwire.chips.beken.emulator import BekenEmulator, State
from groundwire.chips.beken.messages import CheckCrc, Crc, LinkCheck, Read4K, SectorData
from groundwire.framing.crc import crc32_uninverted

CHIPS = {"n": "BK7231N", "t": "BK7231T"}
NAMES = [name for name in dump_names() if name.split("-")[0] in CHIPS]
LINK = encode_command(LinkCheck())


def ask(module, command, now):
    module.on_bytes(encode_command(command), now, 10 / 115_200)
    module.advance(now + 5.0)
    buffer = ReplyBuffer()
    for emission in module.take_output():
        buffer.feed(emission.data)
    return decode_reply(buffer.next_frame())


@pytest.mark.corpus
@pytest.mark.parametrize("name", NAMES)
def test_a_real_flash_in_an_emulated_module(name):
    content = dump(name)
    content = content[: len(content) // 4096 * 4096]
    chip = CHIPS[name.split("-")[0]]
    for sent, state in ((b"", State.RUNNING), (LINK, State.LINKED)):
        module = BekenEmulator(chip, content)
        module.power(on=True, at_s=0.0)
        module.on_bytes(sent, 0.003, 10 / 115_200)
        module.advance(0.02)
        assert module.state is state
    assert b"".join(out.data for out in module.take_output()) == FRAMES["link_check_reply"].data
    last = len(content) - 1
    assert ask(module, CheckCrc(0, last), 0.05) == Crc(crc32_uninverted(content))
    if chip == "BK7231N":
        assert ask(module, Read4K(0x11000), 10.0) == SectorData(
            0, 0x11000, content[0x11000:0x12000]
        )
