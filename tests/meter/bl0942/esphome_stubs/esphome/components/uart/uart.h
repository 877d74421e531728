#pragma once
#include "esphome/core/helpers.h"
#include <deque>
#include <string>

namespace esphome::uart {

class UARTDevice {
 public:
  size_t available() { return received.size(); }
  bool read_array(uint8_t *data, size_t size) {
    if (received.size() < size) {
      return false;
    }
    for (size_t at = 0; at < size; at++) {
      data[at] = received.front();
      received.pop_front();
    }
    return true;
  }
  void write_array(const uint8_t *data, size_t size) { sent.append(reinterpret_cast<const char *>(data), size); }
  void write_byte(uint8_t byte) { sent.push_back(static_cast<char>(byte)); }
  void flush() {}
  std::deque<uint8_t> received;
  std::string sent;
};

}  // namespace esphome::uart
