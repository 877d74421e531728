#pragma once

#include <cstddef>
#include <cstdint>

namespace esphome::shared_uart {

// Ref: BL0942 data sheet V1.10 (English), UART mode and register list.

inline constexpr uint8_t READ_COMMAND = 0x58;
inline constexpr uint8_t WRITE_COMMAND = 0xA8;
inline constexpr uint8_t ADDRESS_MASK = 0x03;
inline constexpr uint8_t PACKET_SELECTOR = 0xAA;
inline constexpr uint8_t PACKET_HEADER = 0x55;

inline constexpr uint8_t REG_I_FAST_RMS_TH = 0x15;
inline constexpr uint8_t REG_MODE = 0x19;
inline constexpr uint8_t REG_SOFT_RESET = 0x1C;
inline constexpr uint8_t REG_USR_WRPROT = 0x1D;

inline constexpr uint32_t UNLOCK_KEY = 0x55;
inline constexpr uint32_t LOCK_KEY = 0x00;
inline constexpr uint32_t MODE_CLEAR_ON_READ = 1 << 6;
inline constexpr uint32_t MODE_COUNT_ABSOLUTE = 1 << 7;
inline constexpr uint32_t MODE_SPEED = 1 << 9;

inline constexpr uint8_t PACKET_SIZE = 23;
inline constexpr uint8_t READ_SIZE = 2;
inline constexpr uint8_t WRITE_SIZE = 6;
inline constexpr uint8_t REGISTER_REPLY_SIZE = 4;
// Nothing the BL0942 takes is longer than 6 bytes; the rest is for other devices.
inline constexpr uint8_t MAX_REQUEST = 32;
inline constexpr uint8_t MAX_REPLY = 64;

inline constexpr uint32_t COUNTER_MASK = 0xFFFFFF;

enum class Kind : uint8_t { PACKET, REGISTER, WRITE, RAW };

/// What is sent in one go, and what answer it asks for.
struct Request {
  uint8_t data[MAX_REQUEST];
  uint8_t size{0};
  Kind kind{Kind::RAW};

  uint8_t address() const { return this->data[0] & ADDRESS_MASK; }
  uint8_t reg() const { return this->data[1]; }
  uint32_t word() const { return this->data[2] | this->data[3] << 8 | this->data[4] << 16; }
  uint8_t reply_size() const;
  bool equals(const Request &other) const;
};

/// Bytes a request takes that starts so; 0 where no BL0942 request does.
uint8_t request_size(uint8_t first);
Kind kind_of(const uint8_t *data);
/// Complement of the low byte of the sum.
uint8_t checksum(uint8_t start, const uint8_t *data, size_t size);

Request make_read(uint8_t address, uint8_t reg);
Request make_write(uint8_t address, uint8_t reg, uint32_t word);
/// Whether a write carries the right sum, so that its value may be relied upon.
bool is_intact_write(const Request &request);

bool is_packet(const uint8_t *data, uint8_t address);
bool is_register_reply(const uint8_t *data, const Request &request);
uint32_t word_at(const uint8_t *data);
/// The bits a writable register has; 0 for all others.
uint32_t register_mask(uint8_t reg);

}  // namespace esphome::shared_uart
