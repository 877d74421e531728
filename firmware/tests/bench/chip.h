// A BL0942 at the other end of the line. Ref: BL0942 data sheet V1.10 (English).
//
// Assumed: TX is open drain; a soft reset leaves the write protection open (`relock` makes it close); a byte that
// starts no request is dropped; what arrives while the chip is answering is ignored.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "wire.h"

namespace bench {

/// What a chip measured when it was asked, as it sends it.
struct Packet {
  uint32_t i_rms, v_rms, i_fast_rms;
  int32_t watt;
  uint32_t cf_cnt, freq, status;
};

struct Spoken {
  Ns at;
  Packet packet;
};

class Chip {
 public:
  std::string name;
  uint8_t address{0};
  double clock_error{0};
  uint32_t strap_baud{4800};
  uint32_t seed{0};
  uint32_t index{0};
  bool relock{false};

  Receiver receiver;
  bool hung{false};
  Ns off_until{0};
  std::deque<Spoken> spoken;
  uint32_t resets{0};
  /// Told what the chip begins to send, and when.
  std::function<void(Chip &, Ns start, std::vector<uint8_t> data)> on_reply;

  void power_up(Ns at);
  double bit_ns() const;
  double baud() const { return 1e9 / this->bit_ns(); }
  Packet packet_at(Ns at);
  std::vector<uint8_t> packet_bytes(Ns at);
  uint32_t word(uint8_t reg) const { return this->words_[reg]; }
  void set_pulses(double pulses) { this->pulses_ = pulses; }

  void hear(Heard heard);
  void hear_break();

 private:
  void carry_out_(Ns at);
  void reply_(Ns at, std::vector<uint8_t> data, size_t counted);
  void write_(uint8_t reg, uint32_t word, Ns at);
  uint32_t read_(uint8_t reg, Ns at);
  void count_energy_(Ns at);

  std::array<uint32_t, 32> words_{};
  double pulses_{0};
  Ns counted_until_{0};
  std::vector<uint8_t> request_;
  Ns command_end_{0};
  Ns answered_until_{0};
};

std::vector<uint8_t> encode(const Packet &packet, uint8_t address);

}  // namespace bench
