// A serial line at the level of bits: who drives it when, and what a receiver makes of it.
//
// Drivers are open drain: the line is low while anyone pulls it low. A receiver looks for a falling edge on an idle
// line, samples in the middle of each bit counted from that edge, and starts anew with the next edge.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace bench {

using Ns = int64_t;
inline constexpr Ns US = 1000;
inline constexpr Ns MS = 1000 * US;
inline constexpr Ns S = 1000 * MS;
inline constexpr Ns NEVER = INT64_MAX;

/// What one output does to a line: edges in order of time, high before the first.
class Driver {
 public:
  void set(Ns at, bool level);
  /// Frames of ten bits from `start` on; the end.
  Ns send(Ns start, const std::vector<uint8_t> &data, double bit_ns);
  void low(Ns start, Ns end);
  bool level(Ns at) const;
  /// The first fall, or rise, at or after a moment.
  Ns next_edge(Ns from, bool rising) const;
  void forget_before(Ns at);
  bool idle_after(Ns at) const {
    return this->edges_.empty() || (this->edges_.back().at <= at && this->edges_.back().level);
  }

 private:
  struct Edge {
    Ns at;
    bool level;
  };
  std::deque<Edge>::const_iterator first_after_(Ns at) const;
  std::deque<Edge> edges_;
};

class Wire {
 public:
  Driver &driver(const void *owner) { return this->drivers_[owner]; }
  bool level(Ns at) const;
  Ns next_fall(Ns from) const;
  Ns next_rise(Ns from) const;
  void forget_before(Ns at);

 private:
  std::map<const void *, Driver> drivers_;
};

struct Heard {
  uint8_t value;
  Ns at;
};

/// A UART receiver on one or more wires joined at its pin.
class Receiver {
 public:
  std::vector<Wire *> wires;
  double bit_ns{208333.3};
  std::function<void(Heard)> on_byte;
  /// The line was low for more than 32 bits; only a chip cares.
  std::function<void()> on_break;

  void run(Ns now);
  void restart(Ns at);
  /// When there may be something to do next, as far as known now.
  Ns next_event() const { return this->next_event_; }
  void wake(Ns at) { this->next_event_ = at < this->next_event_ ? at : this->next_event_; }

 private:
  bool level_(Ns at) const;
  Ns next_fall_(Ns from) const;
  Ns next_rise_(Ns from) const;
  bool follow_break_(Ns now);

  Ns free_from_{0};
  Ns low_since_{NEVER};
  Ns next_event_{NEVER};
};

}  // namespace bench
