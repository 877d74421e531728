// The world around the firmware: a virtual clock, the line, the chips on it and what goes wrong.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "chip.h"
#include "faults.h"
#include "wire.h"

namespace bench {

class Bench {
 public:
  Ns now{0};
  std::vector<std::unique_ptr<Chip>> chips;
  std::array<double, size_t(Fault::COUNT)> rates{};
  std::array<uint32_t, size_t(Fault::COUNT)> happened{};
  std::mt19937 rng;
  /// Answers that met another one on the receive line, without any fault being the cause.
  uint32_t overlaps{0};
  uint32_t requests{0};
  /// What went wrong lately, newest last.
  std::deque<std::pair<Ns, Fault>> recent;

  Chip &add_chip(const std::string &name, const std::string &wire);
  bool roll(Fault fault);

  // --- the clock
  void advance(Ns to);
  void tick(Ns step) { this->advance(this->now + step); }
  void at(Ns when, std::function<void()> act);
  /// One look at the microsecond clock: takes a microsecond, or longer where a task is preempted.
  uint32_t micros();

  // --- the controller's end
  void uart_send(const uint8_t *data, size_t size);
  void uart_flush();
  void set_baud(uint32_t baud);
  size_t available();
  bool peek(uint8_t *value);
  bool read(uint8_t *value);
  void pin_write(unsigned pin, bool level);

  // --- deeds of others
  void answer_unasked(Chip &chip);
  void throw_faults() { this->faults_on_ = true; }

 private:
  Wire &wire_(const std::string &name) { return this->wires_[name]; }
  void wake_(const std::string &wire, Ns at);
  void run_chips_();
  void on_request_(const std::string &wire);
  void befall_(Fault fault, const std::string &wire);
  void second_poller_();
  void disturb_line_(Fault fault, const std::string &wire);
  void on_reply_(Chip &chip, Ns start, std::vector<uint8_t> data);
  bool take_reply_fault_(Fault fault);
  void drive_(const std::string &wire, const void *owner, const std::vector<uint8_t> &data, double baud);
  Ns later_(Ns most);
  void tidy_();

  std::map<std::string, Wire> wires_;
  std::map<std::string, std::vector<Chip *>> listeners_;
  Wire receive_;
  Receiver host_;
  std::deque<Heard> inbox_;
  double baud_{4800};
  Ns sent_until_{0};
  Ns last_request_{-S};
  std::map<unsigned, Ns> pin_edge_;
  bool faults_on_{false};
  std::array<bool, size_t(Fault::COUNT)> reply_faults_{};
  Ns hold_until_{0};
  Ns crosstalk_until_{0};
  bool preempt_{false};
  bool sagging_{false};
  Ns answered_until_{0};
  bool answered_faulty_{false};
  Ns next_event_{0};
  Ns tidied_{0};
  struct Event {
    Ns when;
    uint64_t order;
    std::function<void()> act;
    bool operator>(const Event &other) const {
      return this->when != other.when ? this->when > other.when : this->order > other.order;
    }
  };
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t order_{0};
};

extern Bench world;

}  // namespace bench
