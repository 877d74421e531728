#pragma once

#include <cstddef>
#include <cstdint>

#include "esphome/components/uart/uart_component.h"
#include "esphome/core/gpio.h"
#include "esphome/core/hal.h"

namespace esphome::shared_uart {

inline constexpr uint32_t BITS_PER_BYTE = 10;
// More than 32 bits of low reset the UART part of a BL0942.
inline constexpr uint32_t BREAK_BITS = 36;

/// So many bits in microseconds.
inline uint32_t bits_us(uint32_t bits, uint32_t baud_rate) {
  return static_cast<uint32_t>((static_cast<uint64_t>(bits) * 1000000U + baud_rate / 2) / baud_rate);
}
inline uint32_t bytes_us(uint32_t bytes, uint32_t baud_rate) { return bits_us(bytes * BITS_PER_BYTE, baud_rate); }

/// A UART that exists, with the one thing about it that each platform does in its own way.
class Port {
 public:
  explicit Port(uart::UARTComponent *uart) : uart_(uart) {}

  uart::UARTComponent *uart() const { return this->uart_; }
  uint32_t speed() const { return this->uart_->get_baud_rate(); }
  void set_speed(uint32_t baud_rate) {
    if (baud_rate != this->speed())
      this->apply_speed(baud_rate);
  }

 protected:
  virtual void apply_speed(uint32_t baud_rate) = 0;

  uart::UARTComponent *uart_;
};

template<typename T>
class PortOf : public Port {
 public:
  explicit PortOf(T *uart) : Port(uart), typed_(uart) {}

 protected:
  void apply_speed(uint32_t baud_rate) override {
    this->typed_->set_baud_rate(baud_rate);
    // Where a UART cannot be told a new speed, setting it up again does it.
    if constexpr (requires(T * uart) { uart->load_settings(false); }) {
      this->typed_->load_settings(false);
    } else {
      this->typed_->setup();
    }
  }

  T *typed_;
};

/// A way for requests to leave.
class Sender {
 public:
  virtual void setup() {}
  /// Send all of it and return when the last stop bit is out, or cannot have been out before
  /// `end_us`. False where the bytes could not be sent in time: the chip saw a broken frame.
  virtual bool send(const uint8_t *data, size_t size, uint32_t baud_rate, uint32_t *end_us) = 0;
  /// Keep the line low for BREAK_BITS.
  virtual void send_break(uint32_t baud_rate) = 0;
  virtual void dump_config() const = 0;
};

/// The transmitter of a hardware UART.
class UartSender : public Sender {
 public:
  explicit UartSender(Port *port) : port_(port) {}

  bool send(const uint8_t *data, size_t size, uint32_t baud_rate, uint32_t *end_us) override;
  void send_break(uint32_t baud_rate) override;
  void dump_config() const override;

 protected:
  Port *port_;
};

/// Any pin, driven bit by bit.
class PinSender : public Sender {
 public:
  explicit PinSender(InternalGPIOPin *pin) : pin_(pin) {}

  void setup() override;
  bool send(const uint8_t *data, size_t size, uint32_t baud_rate, uint32_t *end_us) override;
  void send_break(uint32_t baud_rate) override;
  void dump_config() const override;

 protected:
  bool send_byte_(uint8_t value, uint32_t baud_rate, uint32_t *start_us);

  InternalGPIOPin *pin_;
};

}  // namespace esphome::shared_uart
