#include "chip.h"

#include <cmath>

namespace bench {

static const Ns REQUEST_LIMIT = 16 * MS;

/// A number that looks random and depends on nothing but its arguments.
static uint32_t mix(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t x = a * 0x9E3779B97F4A7C15ULL + b * 0xBF58476D1CE4E5B9ULL + c * 0x94D049BB133111EBULL;
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9ULL;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBULL;
  return uint32_t(x ^ (x >> 31));
}

static uint8_t complement_of_sum(uint8_t start, const std::vector<uint8_t> &data) {
  uint32_t sum = start;
  for (uint8_t value : data)
    sum += value;
  return uint8_t(~sum);
}

static void put(std::vector<uint8_t> &out, uint32_t word) {
  for (int shift = 0; shift < 24; shift += 8)
    out.push_back(uint8_t(word >> shift));
}

std::vector<uint8_t> encode(const Packet &packet, uint8_t address) {
  std::vector<uint8_t> out{0x55};
  for (uint32_t word : {packet.i_rms, packet.v_rms, packet.i_fast_rms, uint32_t(packet.watt), packet.cf_cnt,
                        packet.freq, packet.status})
    put(out, word);
  out.push_back(complement_of_sum(0x58 + address, out));
  return out;
}

void Chip::power_up(Ns at) {
  this->words_.fill(0);
  this->words_[0x14] = 0x0B;
  this->words_[0x15] = 0xFFFF;
  this->words_[0x16] = 1;
  this->words_[0x17] = 3;
  this->words_[0x18] = 0x24;
  this->words_[0x19] = 0x87;
  this->words_[0x1A] = 2;
  this->pulses_ = 0;
  this->counted_until_ = std::max(this->counted_until_, at);
  this->hung = false;
  this->request_.clear();
  this->resets++;
}

double Chip::bit_ns() const {
  const uint32_t select = this->words_[0x19] >> 8 & 3;
  const double baud = select < 2 ? this->strap_baud : select == 2 ? 19200 : 38400;
  return 1e9 / (baud * (1 + this->clock_error));
}

/// Values that move all the time and that no other chip ever has: v_rms modulo 4 is the chip's number.
Packet Chip::packet_at(Ns at) {
  this->count_energy_(at);
  const uint64_t slot = uint64_t(at / ((this->words_[0x19] & 8 ? 800 : 400) * MS));
  static const uint32_t FREQS[] = {19990, 19998, 20006, 20014};
  Packet packet{};
  packet.v_rms = (3650000 + mix(this->seed, this->index, slot) % 8000) / 4 * 4 + this->index;
  packet.i_rms = 30000 + mix(this->seed, this->index + 10, slot) % 370000;
  packet.i_fast_rms = 20000 + mix(this->seed, this->index + 20, slot) % 130000;
  packet.watt = 2000 + mix(this->seed, this->index + 30, slot) % 198000;
  if (mix(this->seed, this->index + 40, slot) % 8 == 0)
    packet.watt = -packet.watt;
  packet.cf_cnt = uint32_t(int64_t(std::floor(this->pulses_))) & 0xFFFFFF;
  packet.freq = FREQS[mix(this->seed, this->index + 50, slot) % 4];
  packet.status = (packet.watt < 0 ? 1 : 0) | (packet.i_rms <= 0x3FFFF ? 0x100 : 0);
  return packet;
}

std::vector<uint8_t> Chip::packet_bytes(Ns at) {
  const Packet packet = this->packet_at(at);
  this->spoken.push_back({at, packet});
  while (this->spoken.size() > 256)
    this->spoken.pop_front();
  return encode(packet, this->address);
}

void Chip::count_energy_(Ns at) {
  if (at <= this->counted_until_)
    return;
  // 100000 counts is a mean of what packet_at() shows; only the counter's course matters.
  const double seconds = double(at - this->counted_until_) / S;
  this->counted_until_ = at;
  if (this->words_[0x19] & 4)
    this->pulses_ += 100000.0 * seconds / 419430.4;
}

void Chip::hear_break() {
  this->hung = false;
  this->request_.clear();
}

void Chip::hear(Heard heard) {
  if (this->hung || heard.at < this->off_until || heard.at < this->answered_until_)
    return;
  if (!this->request_.empty() && heard.at - this->command_end_ > REQUEST_LIMIT)
    this->request_.clear();
  if (this->request_.empty()) {
    if ((heard.value & 0xFC) != 0x58 && (heard.value & 0xFC) != 0xA8)
      return;
    this->command_end_ = heard.at;
  }
  this->request_.push_back(heard.value);
  const size_t wanted = (this->request_[0] & 0xFC) == 0x58 ? 2 : 6;
  if (this->request_.size() == wanted)
    this->carry_out_(heard.at);
}

void Chip::carry_out_(Ns at) {
  const std::vector<uint8_t> request = std::move(this->request_);
  this->request_.clear();
  if ((request[0] & 3) != this->address)
    return;
  this->count_energy_(at);
  if (request.size() == 6) {
    const std::vector<uint8_t> body(request.begin(), request.end() - 1);
    if (complement_of_sum(0, body) == request[5])
      this->write_(request[1], request[2] | request[3] << 8 | request[4] << 16, at);
  } else if (request[1] == 0xAA) {
    this->reply_(at, this->packet_bytes(at), 1);
  } else {
    std::vector<uint8_t> data;
    put(data, this->read_(request[1], at));
    data.push_back(complement_of_sum(request[0] + request[1], data));
    this->reply_(at, data, 4);
  }
}

/// Half a bit later, and only while the 16 ms after the command byte last.
void Chip::reply_(Ns at, std::vector<uint8_t> data, size_t counted) {
  const Ns start = at + std::llround(0.5 * this->bit_ns());
  if (start + counted * 10 * this->bit_ns() - this->command_end_ > REQUEST_LIMIT)
    return;
  this->answered_until_ = start + std::llround(data.size() * 10 * this->bit_ns());
  this->on_reply(*this, start, std::move(data));
}

uint32_t Chip::read_(uint8_t reg, Ns at) {
  const Packet packet = this->packet_at(at);
  switch (reg) {
    case 0x03:
      return packet.i_rms;
    case 0x04:
      return packet.v_rms;
    case 0x05:
      return packet.i_fast_rms;
    case 0x06:
      return uint32_t(packet.watt) & 0xFFFFFF;
    case 0x07:
      return packet.cf_cnt;
    case 0x08:
      return packet.freq;
    case 0x09:
      return packet.status;
    case 0x1D:
      return this->words_[0x1D] == 0x55;
    default:
      return reg < this->words_.size() ? this->words_[reg] : 0;
  }
}

void Chip::write_(uint8_t reg, uint32_t word, Ns at) {
  static const uint32_t WIDTHS[] = {0xFF, 0, 0xFF, 0xFFFF, 7, 3, 0x3F, 0x3FF, 3};
  if (reg == 0x1D) {
    this->words_[reg] = word & 0xFF;
  } else if (this->words_[0x1D] != 0x55) {
    return;
  } else if (reg == 0x1C && word == 0x5A5A5A) {
    this->power_up(at);
    this->resets--;
    this->words_[0x1D] = this->relock ? 0 : 0x55;
  } else if (reg >= 0x12 && reg <= 0x1A) {
    this->words_[reg] = word & WIDTHS[reg - 0x12];
  }
  this->receiver.bit_ns = this->bit_ns();
}

}  // namespace bench
