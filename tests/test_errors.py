"""The whole text of every error: what happened, what it likely means, what to do next."""

import dataclasses
import json

import pytest

from groundwire.errors import (
    EXIT_CODE_MEANINGS,
    BackupUnusable,
    BadArgument,
    BrokerUnreachable,
    Cancelled,
    CannotCalibrate,
    ChipContradicted,
    CommandRefused,
    ConversionRefused,
    CorruptFrame,
    DamagedImage,
    DidNotComeUp,
    ExitCode,
    FlashChanged,
    FlashError,
    FlashProtected,
    FlashSilent,
    GroundwireError,
    ImageError,
    ImageTooLarge,
    InputUnreadable,
    InternalError,
    LinkError,
    LinkLost,
    LoaderMissing,
    LoaderNotFetched,
    NoDiagnosis,
    NoMeter,
    NoReply,
    NotALoader,
    NothingLinked,
    OutputUnwritable,
    PatternNotSeen,
    PortBusy,
    PortDenied,
    PortFailed,
    PortMissing,
    ProtocolError,
    RedactionUnproven,
    RefusedBySafety,
    RegisterUnchanged,
    SpanOutside,
    SpanUnaligned,
    StoppedPartWay,
    TwoRecorders,
    UnknownImage,
    Unplugged,
    Unsupported,
    UnsupportedHere,
    UsageError,
    VerifyMismatch,
    WrongFamily,
    WrongReply,
    error_classes,
)
from groundwire.quantities import Span

CASES = [
    (
        GroundwireError(),
        "something went wrong",
    ),
    (
        UsageError(),
        "something went wrong",
    ),
    (
        SpanOutside(span=Span(0x1FF000, 0x3000), flash_size=0x200000),
        (
            "0x1FF000..0x202000 ends 8 KiB past the end of a flash of 2 MiB\n"
            "  likely   the address is counted as the processor sees it, or is meant for a larger flash; this chip would wrap around and touch its own bootloader\n"
            "  next     choose a range below 0x200000"
        ),
    ),
    (
        SpanUnaligned(span=Span(0x1001, 0x1000), unit=4096),
        (
            "0x01001..0x02001 is not made of whole sectors of 4096 bytes\n"
            "  next     start and end at a multiple of 0x01000"
        ),
    ),
    (
        BadArgument(name="--baud", value="fast", expected="a number of baud or auto"),
        "--baud: 'fast' is not a number of baud or auto",
    ),
    (
        OutputUnwritable(path="/full/backup.bin", reason="No space left on device"),
        (
            "cannot write '/full/backup.bin': No space left on device\n"
            "  next     name another place, or free some space, and run the command again"
        ),
    ),
    (
        InputUnreadable(path="image.bin", reason="Is a directory"),
        (
            "cannot read 'image.bin': Is a directory\n"
            "  next     check the name and the permissions of the file"
        ),
    ),
    (
        LoaderMissing(asked="reading the flash", chip="BL602"),
        (
            "reading the flash on a BL602 needs the vendor's RAM loader, and none is at hand\n"
            "  likely   groundwire ships no vendor software; the file is fetched once and kept\n"
            "  next     run: groundwire loader get"
        ),
    ),
    (
        LoaderNotFetched(package="bflb-mcu-tool", reason="no network"),
        (
            "the RAM loader could not be fetched from bflb-mcu-tool: no network\n"
            "  likely   this computer has no network, no pip, or the package has changed\n"
            "  next     fetch the package on another computer and add the loader file from it"
        ),
    ),
    (
        LinkError(),
        "something went wrong",
    ),
    (
        PortMissing(port="/dev/ttyUSB7"),
        (
            "there is no port '/dev/ttyUSB7'\n"
            "  likely   the adapter is not plugged in, or another program took it away (brltty does)\n"
            "  next     plug the adapter in and look at the list of ports"
        ),
    ),
    (
        PortMissing(port="/dev/ttyUSB7", seen=("/dev/ttyUSB0", "/dev/ttyACM0")),
        (
            "there is no port '/dev/ttyUSB7'\n"
            "  likely   the adapter has another name; present now: /dev/ttyUSB0, /dev/ttyACM0\n"
            "  next     plug the adapter in and look at the list of ports"
        ),
    ),
    (
        PortDenied(port="/dev/ttyUSB0"),
        (
            "this user may not open '/dev/ttyUSB0'\n"
            "  likely   the user is not in the group 'dialout'\n"
            "  next     run: sudo usermod -aG dialout $USER, then log out and in again"
        ),
    ),
    (
        PortBusy(port="/dev/ttyUSB0"),
        (
            "'/dev/ttyUSB0' is in use\n"
            "  likely   a terminal program, ModemManager or another flasher has it open\n"
            "  next     close that program and try again"
        ),
    ),
    (
        PortBusy(port="/dev/ttyUSB0", holder="minicom (4711)"),
        (
            "'/dev/ttyUSB0' is in use by minicom (4711)\n"
            "  likely   a terminal program, ModemManager or another flasher has it open\n"
            "  next     close that program and try again"
        ),
    ),
    (
        Unplugged(port="/dev/ttyUSB0"),
        (
            "'/dev/ttyUSB0' went away\n"
            "  likely   the adapter was unplugged, or its USB connection dropped\n"
            "  next     plug it in again and run the same command"
        ),
    ),
    (
        PortFailed(port="/dev/ttyUSB0", reason="Input/output error"),
        (
            "'/dev/ttyUSB0' failed: Input/output error\n"
            "  next     unplug the adapter, plug it in again and run the same command"
        ),
    ),
    (
        NothingLinked(
            waited_s=20.4,
            heard="the line is silent",
            stray_bytes=0,
            likely="no power",
            advice="check 3.3 V",
        ),
        (
            "no module linked in 20 s: the line is silent\n"
            "  likely   no power\n"
            "  next     check 3.3 V"
        ),
    ),
    (
        NoReply(command="Read4K", within_s=0.1234),
        (
            "no answer to Read4K within 123 ms\n"
            "  likely   a byte was lost, or the supply dipped and the chip restarted\n"
            "  next     check the ground wire and the 3.3 V supply, or use a lower speed"
        ),
    ),
    (
        NoReply(command="Read4K", within_s=0.1, stray_bytes=56),
        (
            "no answer to Read4K within 100 ms; 56 bytes arrived that form no reply\n"
            "  likely   the line damages bytes, or the chip runs at another speed\n"
            "  next     check the ground wire and the 3.3 V supply, or use a lower speed"
        ),
    ),
    (
        LinkLost(command="Write4K"),
        (
            "the module stopped answering at Write4K\n"
            "  likely   the chip restarted (supply dip), or a damaged command keeps it busy\n"
            "  next     take the power away for ten seconds and run the same command again"
        ),
    ),
    (
        PatternNotSeen(pattern="ready", watched_s=8.0, lines=3),
        (
            "'ready' was not seen in 8 s: 3 lines came\n"
            "  next     restart the module while the line is watched"
        ),
    ),
    (
        ProtocolError(),
        "something went wrong",
    ),
    (
        CorruptFrame(reason="length 9 where 8 was due", frame=bytes(range(20))),
        (
            "a damaged frame: length 9 where 8 was due (00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f)\n"
            "  likely   the line damages bytes\n"
            "  next     shorten the wires, connect ground, or use a lower speed"
        ),
    ),
    (
        CorruptFrame(reason="no header"),
        (
            "a damaged frame: no header\n"
            "  likely   the line damages bytes\n"
            "  next     shorten the wires, connect ground, or use a lower speed"
        ),
    ),
    (
        WrongReply(command="Read4K", asked="0x12000", got="0x13000"),
        (
            "Read4K asked for 0x12000 and was answered for 0x13000\n"
            "  likely   the command was damaged on its way and the chip did something else\n"
            "  next     use a lower speed; every range is proven again before the job is called done"
        ),
    ),
    (
        CommandRefused(command="Erase", status=6, meaning="address refused"),
        (
            "Erase was refused with status 6: address refused\n"
            "  likely   the chip protects that address, or the command was damaged on its way\n"
            "  next     identify the module again and compare the chip with what you expected"
        ),
    ),
    (
        RegisterUnchanged(register="MODE", wanted=0x87, found=0x07),
        (
            "MODE was set to 0x87 and reads 0x7\n"
            "  likely   writes do not reach the chip, or another program sets it up as well\n"
            "  next     check the transmit wire to the chip, and stop other programs that read it"
        ),
    ),
    (
        FlashError(),
        "something went wrong",
    ),
    (
        VerifyMismatch(spans=(Span(0x11000, 0x1000),)),
        (
            "4 KiB differ: 0x11000..0x12000\n"
            "  likely   the module holds something else, or the flash did not take what was written\n"
            "  next     run the same write again; if the same addresses stay wrong, the flash is worn"
        ),
    ),
    (
        VerifyMismatch(spans=tuple(Span(at, 0x1000) for at in range(0, 0xC000, 0x2000))),
        (
            "24 KiB differ: 0x00000..0x01000, 0x02000..0x03000, 0x04000..0x05000, 0x06000..0x07000 and 2 more\n"
            "  likely   the module holds something else, or the flash did not take what was written\n"
            "  next     run the same write again; if the same addresses stay wrong, the flash is worn"
        ),
    ),
    (
        FlashChanged(span=Span(0x12000, 0x1000)),
        (
            "0x12000..0x13000 changed while it was being read\n"
            "  likely   the line damaged a read request and the chip took it for an erase\n"
            "  next     use a lower speed and shorter wires; the rest of the flash is untouched"
        ),
    ),
    (
        FlashProtected(flash_id="eb6015", status=0x1C, mask=0x407C),
        (
            "flash eb6015 keeps its write protection: status 0x001C, protection bits 0x407C\n"
            "  likely   its status register is locked until the power is taken away, or for ever\n"
            "  next     take the power away for ten seconds and try again"
        ),
    ),
    (
        FlashSilent(flash_id="000000"),
        (
            "the chip answers but its flash does not (it gives 000000 as its id)\n"
            "  likely   the flash was caught in the middle of an operation by a reset, or is damaged\n"
            "  next     take the power away completely for ten seconds, then try again"
        ),
    ),
    (
        BackupUnusable(finding="every byte is 0xFF, the flash is erased"),
        (
            "this is no backup: every byte is 0xFF, the flash is erased\n"
            "  likely   the flash is erased, does not answer, or is smaller than it seemed\n"
            "  next     take the power away for ten seconds, identify the module, and read it again"
        ),
    ),
    (
        ImageError(),
        "something went wrong",
    ),
    (
        UnknownImage(name="notes.txt", size=1200, finding="it is text"),
        (
            "'notes.txt' (1,200 bytes) is no firmware image: it is text\n"
            "  next     choose the firmware's release file for this chip: for a Beken its name ends in "
            "QIO or UA, for a BL602 it is OpenBL602_ with the version, or the same with _OTA"
        ),
    ),
    (
        DamagedImage(name="obk.bin", finding="checksum at 0x11022"),
        (
            "'obk.bin' is damaged: checksum at 0x11022\n"
            "  likely   the download broke off, or the dump was read at too high a speed\n"
            "  next     fetch the file again"
        ),
    ),
    (
        WrongFamily(
            name="obk.bin",
            found="BK7231T",
            expected="BK7231N with key class tuya",
            evidence="loader: BK7231S_1.0.5",
        ),
        (
            "'obk.bin' is for BK7231T, this module is BK7231N with key class tuya\n"
            "  because  it would be written without an error and never start: loader: BK7231S_1.0.5\n"
            "  next     choose the release file for BK7231N with key class tuya"
        ),
    ),
    (
        ImageTooLarge(name="obk.bin", span=Span(0x11000, 0x130000), limit=0x12A000),
        (
            "'obk.bin' needs 0x11000..0x141000, the room for it ends at 0x12A000\n"
            "  next     choose an image for this flash size"
        ),
    ),
    (
        ConversionRefused(
            name="obk.bin", form="uf2", reason="it is no application", advice="give a UA image"
        ),
        (
            "'obk.bin' is not made into uf2: it is no application\n"
            "  likely   the result would not boot, or would lose what the module needs\n"
            "  next     give a UA image"
        ),
    ),
    (
        NotALoader(size=512, finding="it has no boot header"),
        (
            "a file of 512 bytes is no RAM loader: it has no boot header\n"
            "  likely   another file was named, or it is damaged\n"
            "  next     run: groundwire loader get"
        ),
    ),
    (
        Unsupported(),
        "something went wrong",
    ),
    (
        UnsupportedHere(
            asked="finding the flash size", reason="the id is unknown", advice="name the size"
        ),
        (
            "finding the flash size is not possible here: the id is unknown\n"
            "  next     name the size"
        ),
    ),
    (
        UnsupportedHere(asked="planning", reason="the module was not identified"),
        "planning is not possible here: the module was not identified",
    ),
    (
        RefusedBySafety(
            rule="the bootloader is kept", finding="0x00000..0x01000 touches the bootloader"
        ),
        (
            "refused: 0x00000..0x01000 touches the bootloader\n"
            "  because  the bootloader is kept\n"
            "  next     nothing was changed; there is no override for this rule"
        ),
    ),
    (
        RefusedBySafety(rule="a rule", finding="a finding", override="say so in full"),
        ("refused: a finding\n  because  a rule\n  next     say so in full"),
    ),
    (
        ChipContradicted(
            rule="the module says otherwise: chip id 0x7238",
            finding="BK7231N was named, but this is a BK7238",
        ),
        (
            "refused: BK7231N was named, but this is a BK7238\n"
            "  because  the module says otherwise: chip id 0x7238\n"
            "  next     leave the chip to be found out, or connect the module you mean"
        ),
    ),
    (
        StoppedPartWay(
            reason="'/dev/ttyUSB0' went away", done_sectors=12, total_sectors=230, folder="jobs/x"
        ),
        (
            "stopped after 12 of 230 sectors: '/dev/ttyUSB0' went away\n"
            "  likely   the module is half written; its backup and journal are in 'jobs/x'\n"
            "  next     run the same command again: it proves what is there and writes only the rest"
        ),
    ),
    (
        Cancelled(),
        ("cancelled\n  likely   nothing on the module was changed"),
    ),
    (
        Cancelled(during="the plan was shown"),
        ("cancelled while the plan was shown\n  likely   nothing on the module was changed"),
    ),
    (
        InternalError(detail="KeyError: 5"),
        (
            "groundwire itself failed: KeyError: 5\n"
            "  next     please report this with the trace file of the run"
        ),
    ),
    (
        CannotCalibrate(reason="the load was off"),
        (
            "no calibration follows from that: the load was off\n"
            "  next     measure a resistive load of at least a tenth of the meter's range"
        ),
    ),
    (
        TwoRecorders(path="kitchen.db", chip="grid"),
        (
            "'kitchen.db' was written by another recorder of 'grid' meanwhile\n"
            "  next     end the other recorder, or name another file"
        ),
    ),
    (
        NoMeter(verdict="cannot tell", evidence=("silence on every way",)),
        (
            "no meter chip could be reached: cannot tell\n"
            "  likely   silence on every way\n"
            "  next     check supply, ground and both data lines; then look for the wiring again"
        ),
    ),
    (
        BrokerUnreachable(broker="hub:1883", reason="connection refused"),
        (
            "the MQTT broker hub:1883 cannot be used: connection refused\n"
            "  next     check host, port, user and password of the broker, and that it runs"
        ),
    ),
    (
        RedactionUnproven(left=("MAC at 0x1000",)),
        (
            "the redacted dump did not pass its proof: MAC at 0x1000\n"
            "  likely   a value stands where it is not known to be kept, for example inside the "
            "firmware\n"
            "  next     do not post the dump; report the places named above, which are no secret"
        ),
    ),
    (
        DidNotComeUp(sentence="the firmware restarts", step="feed 3.3 V"),
        (
            "the flash is proven, but the module was not seen to come up: the firmware restarts\n"
            "  next     feed 3.3 V"
        ),
    ),
    (
        RedactionUnproven(left=("settings at 0x1EE000",)),
        (
            "the redacted dump did not pass its proof: settings at 0x1EE000\n"
            "  likely   a value stands where it is not known to be kept, for example inside the firmware\n"
            "  next     do not post the dump; report the places named above, which are no secret"
        ),
    ),
    (
        BrokerUnreachable(broker="192.0.2.7:1883", reason="Connection refused"),
        (
            "the MQTT broker 192.0.2.7:1883 cannot be used: Connection refused\n"
            "  next     check host, port, user and password of the broker, and that it runs"
        ),
    ),
    (
        NoMeter(verdict="silence at every speed", evidence=("4800 baud: 0 bytes",)),
        (
            "no meter chip could be reached: silence at every speed\n"
            "  likely   4800 baud: 0 bytes\n"
            "  next     check supply, ground and both data lines; then look for the wiring again"
        ),
    ),
    (
        TwoRecorders(path="meter.csv", chip="BL0942"),
        (
            "'meter.csv' was written by another recorder of 'BL0942' meanwhile\n"
            "  next     end the other recorder, or name another file"
        ),
    ),
    (
        NoDiagnosis(
            subject="1,200 bytes",
            seen="12 lines",
            tests=("swap RX and TX", "listen at 2,000,000 baud"),
        ),
        (
            "no diagnosis of 1,200 bytes: 12 lines\n"
            "  likely   2 tests would tell\n"
            "  next     swap RX and TX"
        ),
    ),
]

ROOM = "groundwire.errors"
ABSTRACT = {"error", "usage", "link", "protocol", "flash", "image", "unsupported"}
WITHOUT_ADVICE = {"usage.bad-argument", "unsupported.here"}  # may have none: the finding says all


@pytest.mark.parametrize(("error", "text"), CASES, ids=[error.code for error, _ in CASES])
def test_the_whole_text_of_an_error(error, text):
    assert str(error) == text


def test_every_error_class_is_among_the_cases():
    # the command line has errors of its own, which are there once it was imported
    ours = {kind for kind in error_classes().values() if kind.__module__.startswith(ROOM)}
    assert {type(error) for error, _ in CASES} == ours


@pytest.mark.parametrize(("code", "kind"), error_classes().items())
def test_every_class_explains_itself_and_has_a_code_of_its_own(code, kind):
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}("), "the docstring is what explain prints"
    assert kind.__doc__[0].isupper()
    assert kind.exit_code in EXIT_CODE_MEANINGS
    assert kind.exit_code is not ExitCode.DONE
    assert code == kind.code
    own = [one for one in error_classes().values() if one.code == code]
    assert own == [kind]


@pytest.mark.parametrize("error", [error for error, _ in CASES], ids=lambda error: error.code)
def test_texts_are_made_in_the_manner_of_the_house(error):
    for text in (error.what, error.means, error.next_step):
        assert text == text.strip()
        assert not text.endswith(".")
        assert "\n" not in text
        assert "  " not in text
        assert "None" not in text
        assert "--" not in text or error.code == "usage.bad-argument", "flags are the front end's"
    if error.code not in ABSTRACT | WITHOUT_ADVICE:
        assert error.next_step or error.means


@pytest.mark.parametrize("error", [error for error, _ in CASES], ids=lambda error: error.code)
def test_every_value_of_an_error_reaches_its_fields(error):
    fields = error.fields()
    assert set(fields) == {field.name for field in dataclasses.fields(error)}
    assert json.dumps(fields, default=str)


def test_every_exit_code_has_a_meaning():
    assert set(EXIT_CODE_MEANINGS) == set(ExitCode)
    documented = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130}
    assert documented <= {int(code) for code in ExitCode}


def test_errors_of_one_kind_share_an_exit_code():
    for code, kind in error_classes().items():
        for parent in kind.__mro__[1:]:
            if parent.__name__ in ("LinkError", "ProtocolError", "FlashError", "ImageError"):
                assert kind.exit_code is parent.exit_code, code


def test_two_equal_errors_are_two_errors():
    assert Unplugged(port="x") != Unplugged(port="x")
    assert len({Unplugged(port="x"), Unplugged(port="x")}) == 2
