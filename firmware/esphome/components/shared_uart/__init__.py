"""Several virtual UARTs over one receive line, for BL0942 chips whose answers share a pin."""

import logging

import esphome.codegen as cg
import esphome.config_validation as cv
import esphome.final_validate as fv
from esphome import pins
from esphome.components import uart
from esphome.const import (
    CONF_BAUD_RATE,
    CONF_CHANNELS,
    CONF_ID,
    CONF_MODE,
    CONF_NAME,
    CONF_NUMBER,
    CONF_OPEN_DRAIN,
    CONF_PIN,
    CONF_RX_PIN,
    CONF_TX_PIN,
    CONF_UART_ID,
)
from esphome.core import CORE, ID

_LOGGER = logging.getLogger(__name__)

DEPENDENCIES = ["uart"]
MULTI_CONF = True

CONF_CONFIRM = "confirm"
CONF_LATENCY = "latency"
CONF_REPORT_INTERVAL = "report_interval"
CONF_TAG = "tag"
CONF_TX_UART_ID = "tx_uart_id"

FIRST_TAG = 0xFFFE
# Above this an interrupt-driven controller cannot place edges exactly enough.
MOST_PIN_BAUD_RATE = 9600
LIBRETINY_REBOOT_OPTION = "LT_AUTO_DOWNLOAD_REBOOT"
BEKEN_UART1_RX = 10

shared_uart_ns = cg.esphome_ns.namespace("shared_uart")
SharedUart = shared_uart_ns.class_("SharedUart", cg.Component)
Channel = shared_uart_ns.class_("Channel", uart.UARTComponent)
PortOf = shared_uart_ns.class_("PortOf")
UartSender = shared_uart_ns.class_("UartSender")
PinSender = shared_uart_ns.class_("PinSender")


def _pin_schema(value):
    value = pins.internal_gpio_output_pin_schema(value)
    if CORE.is_bk72xx and value[CONF_MODE][CONF_OPEN_DRAIN]:
        # LibreTiny makes a Beken pin in this mode an input that nothing ever pulls low.
        raise cv.Invalid("open drain does not work on this chip: use the pin as a plain output")
    return value


def _validate_channel(config):
    if CONF_PIN in config and config[CONF_BAUD_RATE] > MOST_PIN_BAUD_RATE:
        raise cv.Invalid(
            f"a bit-banged pin is exact enough up to {MOST_PIN_BAUD_RATE} baud only",
            path=[CONF_BAUD_RATE],
        )
    return config


CHANNEL_SCHEMA = cv.All(
    cv.Schema(
        {
            cv.Required(CONF_ID): cv.declare_id(Channel),
            cv.Optional(CONF_NAME): cv.string_strict,
            cv.Exclusive(CONF_PIN, "sender"): _pin_schema,
            cv.Exclusive(CONF_TX_UART_ID, "sender"): cv.use_id(uart.UARTComponent),
            cv.Optional(CONF_BAUD_RATE, default=4800): cv.one_of(
                4800, 9600, 19200, 38400, int=True
            ),
            cv.Optional(CONF_TAG, default=True): cv.boolean,
            cv.Optional(CONF_CONFIRM, default=False): cv.boolean,
        }
    ),
    _validate_channel,
)

CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(SharedUart),
        cv.GenerateID(CONF_UART_ID): cv.use_id(uart.UARTComponent),
        cv.Optional(CONF_LATENCY, default="20ms"): cv.All(
            cv.positive_time_period_milliseconds,
            cv.Range(max=cv.TimePeriod(milliseconds=200)),
        ),
        cv.Optional(CONF_REPORT_INTERVAL, default="1h"): cv.positive_time_period_milliseconds,
        cv.Required(CONF_CHANNELS): cv.All(cv.ensure_list(CHANNEL_SCHEMA), cv.Length(min=1, max=8)),
    }
).extend(cv.COMPONENT_SCHEMA)


def _config_of(uart_id):
    """The configuration of a UART, or None where it is no native one."""
    full = fv.full_config.get()
    path = full.get_path_for_id(uart_id)[:-1]
    config = full.get_config_for_path(path)
    return config if path and path[0] == uart.DOMAIN else None


def _require_pins(config):
    """On boards a UART has the pins it needs; the host has ports instead."""
    if CORE.is_host:
        return
    line = _config_of(config[CONF_UART_ID])
    if line is not None and CONF_RX_PIN not in line:
        raise cv.Invalid("the uart that receives needs an rx_pin", path=[CONF_UART_ID])
    for index, channel in enumerate(config[CONF_CHANNELS]):
        if CONF_PIN in channel:
            continue
        sender = _config_of(channel.get(CONF_TX_UART_ID, config[CONF_UART_ID]))
        if sender is not None and CONF_TX_PIN not in sender:
            raise cv.Invalid(
                f"channel {channel[CONF_ID]} has no sender: give it a pin, or its uart a tx_pin",
                path=[CONF_CHANNELS, index],
            )


def _warn_of_reboots(config):
    """A packet can contain the bytes at which LibreTiny reboots into its download mode."""
    if not CORE.is_bk72xx:
        return
    line = _config_of(config[CONF_UART_ID])
    if line is None or line.get(CONF_RX_PIN, {}).get(CONF_NUMBER) != BEKEN_UART1_RX:
        return
    framework = fv.full_config.get().get("bk72xx", {}).get("framework", {})
    if str(framework.get("options", {}).get(LIBRETINY_REBOOT_OPTION)) != "0":
        _LOGGER.warning(
            "a steady load near 209 W can make a BL0942 send the bytes at which LibreTiny "
            'reboots; set bk72xx: framework: options: %s: "0"',
            LIBRETINY_REBOOT_OPTION,
        )


def _final_validate(config):
    _require_pins(config)
    _warn_of_reboots(config)


FINAL_VALIDATE_SCHEMA = _final_validate


async def _port_of(uart_id, ports):
    """One port per UART, whoever uses it."""
    full_id, var = await cg.get_variable_with_full_id(uart_id)
    if full_id.id not in ports:
        kind = PortOf.template(full_id.type)
        port_id = ID(f"{full_id.id}_shared_port", is_declaration=True, type=kind)
        ports[full_id.id] = cg.new_Pvariable(port_id, var)
    return ports[full_id.id]


async def _sender_of(channel, config, ports):
    sender_id = f"{channel[CONF_ID].id}_sender"
    if CONF_PIN in channel:
        pin = await cg.gpio_pin_expression(channel[CONF_PIN])
        return cg.new_Pvariable(ID(sender_id, is_declaration=True, type=PinSender), pin)
    port = await _port_of(channel.get(CONF_TX_UART_ID, config[CONF_UART_ID]), ports)
    return cg.new_Pvariable(ID(sender_id, is_declaration=True, type=UartSender), port)


async def to_code(config):
    ports = {}
    var = cg.new_Pvariable(config[CONF_ID], await _port_of(config[CONF_UART_ID], ports))
    await cg.register_component(var, config)
    cg.add(var.set_latency(config[CONF_LATENCY]))
    cg.add(var.set_report_interval(config[CONF_REPORT_INTERVAL]))
    for index, channel in enumerate(config[CONF_CHANNELS]):
        name = channel.get(CONF_NAME, str(channel[CONF_ID]))
        chan = cg.new_Pvariable(channel[CONF_ID], var, name)
        cg.add(chan.set_sender(await _sender_of(channel, config, ports)))
        cg.add(chan.set_baud_rate(channel[CONF_BAUD_RATE]))
        cg.add(chan.set_data_bits(8))
        cg.add(chan.set_stop_bits(1))
        cg.add(chan.set_confirm(channel[CONF_CONFIRM]))
        if channel[CONF_TAG]:
            cg.add(chan.set_tag(FIRST_TAG - index))
        cg.add(var.add_channel(chan))
