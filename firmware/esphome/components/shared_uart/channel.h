#pragma once

#include "chip.h"
#include "line.h"
#include "words.h"

#include "esphome/components/uart/uart_component.h"

namespace esphome::shared_uart {

class SharedUart;

/// What became of the exchanges of one channel, for reports.
struct Tally {
  uint32_t polls{0};
  uint32_t readings{0};
  uint32_t dropped{0};
  uint32_t breaks{0};
  uint32_t restarts{0};
  uint32_t losses[static_cast<size_t>(Loss::COUNT)]{};
};

/** A UART that exists only as a turn on the shared line.
 *
 * Bytes written to it are gathered into requests by their command byte; an answer becomes readable only once it is
 * whole and proven, so a driver that never searches for a header finds every answer where it expects it.
 */
class Channel : public uart::UARTComponent {
 public:
  Channel(SharedUart *parent, const char *name) : parent_(parent), name_(name) {}

  void set_sender(Sender *sender) { this->way_.sender = sender; }
  void set_tag(uint32_t tag) { this->chip_.set_tag(tag); }
  void set_confirm(bool confirm) { this->confirm_ = confirm; }
  void setup();
  void dump_config() const;

  // --- the UART its driver sees
  using UARTComponent::write_array;
  void write_array(const uint8_t *data, size_t len) override;
  bool peek_byte(uint8_t *data) override;
  bool read_array(uint8_t *data, size_t len) override;
  size_t available() override;
  uart::UARTFlushResult flush() override;

  // --- the hub's side
  const char *name() const { return this->name_; }
  const Way *way() const { return &this->way_; }
  Chip &chip() { return this->chip_; }
  const Tally &tally() const { return this->tally_; }
  uint8_t failures() const { return this->failures_; }
  bool has_requests() const { return this->queued_ > 0; }
  bool has_work(uint32_t now_ms, bool own_checks);
  bool takes_break();
  Request next_request();
  /// Take the result of the exchange; true when the turn is over.
  bool take(const Line &line);
  void wait_for(Channel *other) { this->waits_for_ = other; }
  Channel *waits_for() const { return this->waits_for_; }
  void check_now() { this->check_due_ = true; }
  void rest(uint32_t now_ms);

  // Linked by the hub, so that no container has to grow.
  Channel *next{nullptr};

 protected:
  static constexpr uint8_t QUEUE_SIZE = 6;

  void check_logger_conflict() override {}
  void gather_(const uint8_t *data, size_t len);
  void enqueue_();
  bool accept_(const Request &request);
  Request &front_() { return this->queue_[this->head_]; }
  void pop_();
  void drop_polls_();
  bool take_proof_(const Line &line);
  bool take_reply_(const Line &line);
  bool take_packet_(const Line &line);
  bool says_it_again_(const uint8_t *packet);
  void deliver_(const uint8_t *data, size_t size);
  void succeed_();
  void fail_(Loss loss);
  bool run_until_idle_();

  SharedUart *parent_;
  const char *name_;
  Way way_;
  Chip chip_;
  Tally tally_;

  Request partial_;
  uint32_t partial_ms_{0};
  Request queue_[QUEUE_SIZE];
  uint8_t head_{0};
  uint8_t queued_{0};
  uint8_t attempts_{0};

  bool confirm_{false};
  uint8_t said_[PACKET_SIZE];
  uint8_t said_times_{0};

  uint8_t received_[MAX_REPLY];
  uint8_t received_size_{0};
  uint8_t received_at_{0};

  uint8_t failures_{0};
  Channel *waits_for_{nullptr};
  bool check_due_{false};
  bool break_due_{false};
  bool resting_{false};
  uint32_t checked_ms_{0};
  uint32_t rest_ms_{0};
};

}  // namespace esphome::shared_uart
