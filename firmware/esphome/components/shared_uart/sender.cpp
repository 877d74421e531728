#include "sender.h"

#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

namespace esphome::shared_uart {

static const char *const TAG = "shared_uart";

// Pause between two bit-banged bytes, in which interrupts that had to wait are served.
static const uint32_t GAP_US = 300;
// The chip gives a frame 16 ms from the end of its first byte; a frame that would end later is given up.
static const uint32_t FRAME_LIMIT_US = 15000;

namespace {

#ifdef USE_HOST
// The host platform has no such lock: what disturbs a byte there is found by its lateness.
struct ByteLock {
  ByteLock() {}
};
#else
// Held for one byte only: 9 bits are 1.9 ms at 4800, less than the 2 ms tick of a BK72xx, so no tick is lost.
using ByteLock = InterruptLock;
#endif

/// Wait for a moment counted from `start_us`; microseconds by which it was missed.
inline uint32_t wait_until(uint32_t start_us, uint32_t offset_us) {
  uint32_t passed;
  do {
    passed = micros() - start_us;
  } while (passed < offset_us);
  return passed - offset_us;
}

}  // namespace

bool UartSender::send(const uint8_t *data, size_t size, uint32_t baud_rate, uint32_t *end_us) {
  this->port_->set_speed(baud_rate);
  const uint32_t began_us = micros();
  this->port_->uart()->write_array(data, size);
  this->port_->uart()->flush();
  *end_us = began_us + bytes_us(size, baud_rate);
  return true;
}

void UartSender::send_break(uint32_t baud_rate) {
  static const uint8_t ZERO = 0;
  // Start bit and eight zeros at a quarter of the speed are 36 bits of the chip's.
  static_assert(BREAK_BITS == 9 * 4);
  this->port_->set_speed(baud_rate / 4);
  const uint32_t began_us = micros();
  this->port_->uart()->write_array(&ZERO, 1);
  this->port_->uart()->flush();
  // Not every platform can tell when the last bit has left.
  while (micros() - began_us < bytes_us(1, baud_rate / 4))
    delay(1);
  this->port_->set_speed(baud_rate);
}

void UartSender::dump_config() const { ESP_LOGCONFIG(TAG, "    Sender: hardware UART"); }

void PinSender::setup() {
  // High before and after it becomes an output: a low in between would be a start bit to the chip.
  this->pin_->digital_write(true);
  this->pin_->setup();
  this->pin_->digital_write(true);
}

bool PinSender::send(const uint8_t *data, size_t size, uint32_t baud_rate, uint32_t *end_us) {
  uint32_t start_us = 0;
  uint32_t command_end_us = 0;
  for (size_t i = 0; i < size; i++) {
    if (!this->send_byte_(data[i], baud_rate, &start_us))
      return false;
    *end_us = start_us + bytes_us(1, baud_rate);
    if (i == 0)
      command_end_us = *end_us;
    const bool last = i + 1 == size;
    wait_until(start_us, bytes_us(1, baud_rate) + (last ? 0 : GAP_US));
    if (!last && micros() - command_end_us + bytes_us(1, baud_rate) > FRAME_LIMIT_US)
      return false;
  }
  return true;
}

bool HOT PinSender::send_byte_(uint8_t value, uint32_t baud_rate, uint32_t *start_us) {
  // Edges are placed against the clock at the start edge, so that errors do not add up.
  const uint32_t sixteenths = (16000000U + baud_rate / 2) / baud_rate;
  const uint32_t tolerance_us = sixteenths * 15 / 1600;
  // Start bit, data from the lowest bit on, stop bit.
  const uint32_t frame = (static_cast<uint32_t>(value) << 1) | (1U << 9);
  ByteLock lock;
  const uint32_t start = micros();
  *start_us = start;
  this->pin_->digital_write(false);
  uint32_t late_us = micros() - start;
  for (uint32_t bit = 1; bit < BITS_PER_BYTE && late_us <= tolerance_us; bit++) {
    const uint32_t edge_us = bit * sixteenths / 16;
    wait_until(start, edge_us);
    this->pin_->digital_write((frame >> bit) & 1);
    // Looked at after the edge: whatever held it up lies before this moment.
    late_us = micros() - start - edge_us;
  }
  this->pin_->digital_write(true);
  return late_us <= tolerance_us;
}

void PinSender::send_break(uint32_t baud_rate) {
  const uint32_t start_us = micros();
  this->pin_->digital_write(false);
  wait_until(start_us, bits_us(BREAK_BITS, baud_rate));
  this->pin_->digital_write(true);
}

void PinSender::dump_config() const { LOG_PIN("    Sender: bit-banged, Pin: ", this->pin_); }

}  // namespace esphome::shared_uart
