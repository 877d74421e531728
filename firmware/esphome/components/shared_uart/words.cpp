#include "words.h"

#include <cstring>

namespace esphome::shared_uart {

uint8_t Request::reply_size() const {
  switch (this->kind) {
    case Kind::PACKET:
      return PACKET_SIZE;
    case Kind::REGISTER:
      return REGISTER_REPLY_SIZE;
    case Kind::WRITE:
      return 0;
    case Kind::RAW:
      break;
  }
  return MAX_REPLY;
}

bool Request::equals(const Request &other) const {
  return this->size == other.size && memcmp(this->data, other.data, this->size) == 0;
}

uint8_t request_size(uint8_t first) {
  switch (first & ~ADDRESS_MASK) {
    case READ_COMMAND:
      return READ_SIZE;
    case WRITE_COMMAND:
      return WRITE_SIZE;
    default:
      return 0;
  }
}

Kind kind_of(const uint8_t *data) {
  if (request_size(data[0]) == WRITE_SIZE)
    return Kind::WRITE;
  return data[1] == PACKET_SELECTOR ? Kind::PACKET : Kind::REGISTER;
}

uint8_t checksum(uint8_t start, const uint8_t *data, size_t size) {
  uint8_t sum = start;
  for (size_t i = 0; i < size; i++)
    sum += data[i];
  return ~sum;
}

Request make_read(uint8_t address, uint8_t reg) {
  Request request;
  request.data[0] = READ_COMMAND | address;
  request.data[1] = reg;
  request.size = READ_SIZE;
  request.kind = kind_of(request.data);
  return request;
}

Request make_write(uint8_t address, uint8_t reg, uint32_t word) {
  Request request;
  request.data[0] = WRITE_COMMAND | address;
  request.data[1] = reg;
  request.data[2] = word;
  request.data[3] = word >> 8;
  request.data[4] = word >> 16;
  request.data[5] = checksum(0, request.data, WRITE_SIZE - 1);
  request.size = WRITE_SIZE;
  request.kind = Kind::WRITE;
  return request;
}

bool is_intact_write(const Request &request) {
  return request.kind == Kind::WRITE && checksum(0, request.data, WRITE_SIZE - 1) == request.data[WRITE_SIZE - 1];
}

bool is_packet(const uint8_t *data, uint8_t address) {
  // One damaged packet in 256 has a right sum; FREQ and STATUS have no third byte, which finds most of these.
  static const size_t FREQ_TOP = 18, STATUS_TOP = 21;
  return data[0] == PACKET_HEADER && data[FREQ_TOP] == 0 && data[STATUS_TOP] == 0 &&
         checksum(READ_COMMAND | address, data, PACKET_SIZE - 1) == data[PACKET_SIZE - 1];
}

bool is_register_reply(const uint8_t *data, const Request &request) {
  const uint8_t start = request.data[0] + request.data[1];
  return checksum(start, data, REGISTER_REPLY_SIZE - 1) == data[REGISTER_REPLY_SIZE - 1];
}

uint32_t word_at(const uint8_t *data) { return data[0] | data[1] << 8 | data[2] << 16; }

uint32_t register_mask(uint8_t reg) {
  switch (reg) {
    case 0x12:  // I_RMSOS
    case 0x14:  // WA_CREEP
      return 0xFF;
    case REG_I_FAST_RMS_TH:
      return 0xFFFF;
    case 0x16:  // I_FAST_RMS_CYC
      return 0x07;
    case 0x17:  // FREQ_CYC
    case 0x1A:  // GAIN_CR
      return 0x03;
    case 0x18:  // OT_FUNX
      return 0x3F;
    case REG_MODE:
      return 0x3FF;
    default:
      return 0;
  }
}

}  // namespace esphome::shared_uart
