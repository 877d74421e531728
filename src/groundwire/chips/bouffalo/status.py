"""The error numbers a chip of this family refuses commands with."""

# Ref: PROTOCOL.md, section 6 (error numbers)

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """Error numbers behind `FL`; the names are the vendor's."""

    FLASH_INIT = 0x0001
    FLASH_ERASE_PARA = 0x0002
    FLASH_ERASE = 0x0003
    FLASH_WRITE_PARA = 0x0004
    FLASH_WRITE_ADDR = 0x0005
    FLASH_WRITE = 0x0006
    FLASH_BOOT_PARA = 0x0007
    FLASH_SET_PARA = 0x0008
    FLASH_READ_STATUS_REG = 0x0009
    FLASH_WRITE_STATUS_REG = 0x000A
    FLASH_DECOMPRESS_WRITE = 0x000B
    FLASH_WRITE_XZ = 0x000C
    FLASH_SWITCH_BANK = 0x000D
    CMD_ID = 0x0101
    CMD_LEN = 0x0102
    CMD_CRC = 0x0103
    CMD_SEQ = 0x0104
    IMG_BOOTHEADER_LEN = 0x0201
    IMG_BOOTHEADER_NOT_LOAD = 0x0202
    IMG_BOOTHEADER_MAGIC = 0x0203
    IMG_BOOTHEADER_CRC = 0x0204
    IMG_BOOTHEADER_ENCRYPT_NOTFIT = 0x0205
    IMG_BOOTHEADER_SIGN_NOTFIT = 0x0206
    IMG_SEGMENT_CNT = 0x0207
    IMG_AES_IV_LEN = 0x0208
    IMG_AES_IV_CRC = 0x0209
    IMG_PK_LEN = 0x020A
    IMG_PK_CRC = 0x020B
    IMG_PK_HASH = 0x020C
    IMG_SIGNATURE_LEN = 0x020D
    IMG_SIGNATURE_CRC = 0x020E
    IMG_SECTIONHEADER_LEN = 0x020F
    IMG_SECTIONHEADER_CRC = 0x0210
    IMG_SECTIONHEADER_DST = 0x0211
    IMG_SECTIONDATA_LEN = 0x0212
    IMG_SECTIONDATA_DEC = 0x0213
    IMG_SECTIONDATA_TLEN = 0x0214
    IMG_SECTIONDATA_CRC = 0x0215
    IMG_HALFBAKED = 0x0216
    IMG_HASH = 0x0217
    IMG_SIGN_PARSE = 0x0218
    IMG_SIGN = 0x0219
    IMG_DEC = 0x021A
    IMG_ALL_INVALID = 0x021B
    IF_RATE_LEN = 0x0301
    IF_RATE_PARA = 0x0302
    IF_PASSWORDERROR = 0x0303
    IF_PASSWORDCLOSE = 0x0304
    EFUSE_WRITE_PARA = 0x0401
    EFUSE_WRITE_ADDR = 0x0402
    EFUSE_WRITE = 0x0403
    EFUSE_READ_PARA = 0x0404
    EFUSE_READ_ADDR = 0x0405
    EFUSE_READ = 0x0406
    EFUSE_READ_MAC = 0x0407
    EFUSE_WRITE_MAC = 0x0408
    MEMORY_WRITE_PARA = 0x0501
    MEMORY_WRITE_ADDR = 0x0502
    MEMORY_WRITE = 0x0503
    MEMORY_READ_PARA = 0x0504
    MEMORY_READ_ADDR = 0x0505
    MEMORY_READ = 0x0506
    PROTECTED = 0x0A0A
    PLL = 0xFFFC
    INVASION = 0xFFFD
    POLLING = 0xFFFE
    FAIL = 0xFFFF


_MEANINGS: Final = {
    Status.FLASH_INIT: "the flash does not answer",
    Status.FLASH_ERASE_PARA: "the erase command has a wrong length",
    Status.FLASH_ERASE: "the flash did not erase in time",
    Status.FLASH_WRITE_PARA: "the flash command has a wrong length",
    Status.FLASH_WRITE_ADDR: "the flash address is impossible",
    Status.FLASH_WRITE: "the flash did not take what was programmed",
    Status.FLASH_SET_PARA: "the flash settings have a wrong length",
    Status.CMD_LEN: "the frame is longer than the chip takes",
    Status.CMD_CRC: "the line damaged the frame",
    Status.CMD_SEQ: "the command does not fit the state of the upload",
    Status.IMG_BOOTHEADER_CRC: "the header of the RAM loader arrived damaged",
    Status.IMG_BOOTHEADER_MAGIC: "the RAM loader does not begin with a boot header",
    Status.IMG_BOOTHEADER_ENCRYPT_NOTFIT: "the chip takes encrypted programs only",
    Status.IMG_BOOTHEADER_SIGN_NOTFIT: "the chip takes signed programs only",
    Status.IMG_SECTIONHEADER_CRC: "the segment header of the RAM loader arrived damaged",
    Status.IMG_SECTIONHEADER_DST: "the RAM loader wants to go where no program may go",
    Status.IMG_SECTIONDATA_TLEN: "more of the RAM loader arrived than was announced",
    Status.IMG_HALFBAKED: "the upload of the RAM loader is not complete",
    Status.IMG_HASH: "the RAM loader arrived damaged",
    Status.PROTECTED: "the chip is protected or closed",
}


def status_meaning(number: int) -> str:
    """An error number in words, with the vendor's name."""
    try:
        status = Status(number)
    except ValueError:
        return "unknown error number"
    return _MEANINGS.get(status, "") or status.name.lower().replace("_", " ")
