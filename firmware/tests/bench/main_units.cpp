// What a driver may do with a channel besides reading packets. Prints "ok NAME" or "FAIL NAME" for each case.
#include <cstdio>
#include <memory>
#include <vector>

#include "bench.h"
#include "esphome/components/host/preferences.h"
#include "esphome/components/shared_uart/shared_uart.h"
#include "esphome/components/uart/uart_component_host.h"

using bench::world;
using esphome::shared_uart::Channel;
using esphome::shared_uart::PortOf;
using esphome::shared_uart::SharedUart;
using esphome::shared_uart::UartSender;
using esphome::uart::HostUartComponent;
using esphome::uart::UARTFlushResult;
using Bytes = std::vector<uint8_t>;

void setup();

namespace {

/// A hub of its own for each case, with one channel.
struct Rig {
  HostUartComponent uart;
  PortOf<HostUartComponent> port{&uart};
  SharedUart hub{&port};
  UartSender sender{&port};
  Channel channel{&hub, "unit"};

  Rig() {
    this->uart.set_baud_rate(4800);
    this->uart.setup();
    this->channel.set_baud_rate(4800);
    this->channel.set_sender(&this->sender);
    this->hub.add_channel(&this->channel);
    this->hub.setup();
  }

  void write(const Bytes &data) { this->channel.write_array(data.data(), data.size()); }
  void pass(int ms) {
    for (int passed = 0; passed < ms; passed += 5) {
      this->hub.loop();
      world.tick(5 * bench::MS);
    }
  }
  Bytes read() {
    Bytes data(this->channel.available());
    if (!data.empty() && !this->channel.read_array(data.data(), data.size()))
      data.clear();
    return data;
  }
};

/// The device on the other end: hears everything, and answers what it is told to.
struct Device {
  Bytes heard;
  Bytes answer;
  size_t answer_after{0};
};

bench::Chip *chip;
Device device;

void listen() {
  chip = &world.add_chip("device", "TX1");
  chip->power_up(0);
  chip->receiver.bit_ns = chip->bit_ns();
  chip->receiver.restart(world.now);
  chip->receiver.on_byte = [](bench::Heard heard) {
    device.heard.push_back(heard.value);
    if (device.answer_after != 0 && device.heard.size() == device.answer_after)
      chip->on_reply(*chip, heard.at + 100 * bench::US, device.answer);
  };
}

bool other_devices_pass_unframed() {
  Rig rig;
  device = {{}, {0x01, 0x02, 0x03, 0x04, 0x05}, 3};
  rig.write({0x10, 0x20, 0x30});
  rig.pass(300);
  return device.heard == Bytes{0x10, 0x20, 0x30} && rig.read() == Bytes{0x01, 0x02, 0x03, 0x04, 0x05};
}

bool a_request_is_gathered_from_single_bytes() {
  Rig rig;
  device = {};
  rig.channel.write_byte(0x58);
  rig.pass(200);
  const bool waited = device.heard.empty();
  rig.channel.write_byte(0xAA);
  rig.pass(200);
  return waited && device.heard.size() >= 2 && device.heard[0] == 0x58 && device.heard[1] == 0xAA;
}

bool half_a_request_is_forgotten() {
  Rig rig;
  device = {};
  rig.channel.write_byte(0x58);
  rig.pass(1500);
  rig.write({0x58, 0x04});
  rig.pass(100);
  return device.heard.size() >= 2 && device.heard[0] == 0x58 && device.heard[1] == 0x04;
}

bool the_same_poll_is_queued_once() {
  Rig rig;
  device = {};
  for (int i = 0; i < 5; i++)
    rig.write({0x58, 0xAA});
  return rig.channel.tally().dropped == 4;
}

bool more_requests_than_fit_are_dropped() {
  Rig rig;
  device = {};
  for (uint8_t reg = 1; reg <= 9; reg++)
    rig.write({0x58, reg});
  return rig.channel.tally().dropped == 3;
}

bool a_second_address_is_refused() {
  Rig rig;
  device = {};
  rig.write({0x58, 0x04});
  rig.write({0x59, 0x04});
  rig.pass(1000);
  for (uint8_t value : device.heard) {
    if (value == 0x59)
      return false;
  }
  return !device.heard.empty();
}

bool a_change_of_speed_is_refused() {
  Rig rig;
  device = {};
  rig.write({0xA8, 0x19, 0x87, 0x02, 0x00, 0xB5});
  rig.pass(300);
  return device.heard.empty();
}

bool an_answer_that_nobody_fetched_gives_way() {
  Rig rig;
  device = {{}, {0x0A, 0x0B}, 1};
  rig.write({0x10});
  rig.pass(300);
  device = {{}, {0x0C}, 1};
  rig.write({0x11});
  rig.pass(300);
  return rig.read() == Bytes{0x0C};
}

bool a_read_that_cannot_be_answered_ends() {
  Rig rig;
  device = {};
  rig.write({0x58, 0x19});
  const bool flushed = rig.channel.flush() == UARTFlushResult::UART_FLUSH_RESULT_SUCCESS;
  const bench::Ns before = world.now;
  uint8_t data[4];
  return flushed && !rig.channel.read_array(data, 4) && world.now - before < 10 * bench::MS;
}

bool a_peek_takes_nothing() {
  Rig rig;
  device = {{}, {0x42}, 1};
  rig.write({0x10});
  rig.pass(300);
  uint8_t value = 0;
  return rig.channel.peek_byte(&value) && value == 0x42 && rig.channel.available() == 1 && rig.read() == Bytes{0x42} &&
         !rig.channel.peek_byte(&value);
}

}  // namespace

int main() {
  esphome::host::setup_preferences();
  setup();
  listen();
#define CASE(name) printf("%s %s\n", name() ? "ok" : "FAIL", #name)
  CASE(other_devices_pass_unframed);
  CASE(a_request_is_gathered_from_single_bytes);
  CASE(half_a_request_is_forgotten);
  CASE(the_same_poll_is_queued_once);
  CASE(more_requests_than_fit_are_dropped);
  CASE(a_second_address_is_refused);
  CASE(a_change_of_speed_is_refused);
  CASE(an_answer_that_nobody_fetched_gives_way);
  CASE(a_read_that_cannot_be_answered_ends);
  CASE(a_peek_takes_nothing);
  return 0;
}
