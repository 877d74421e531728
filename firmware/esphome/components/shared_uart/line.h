#pragma once

#include "sender.h"
#include "words.h"

namespace esphome::shared_uart {

/// Why an answer was not taken; the words are those of the Python bus.
enum class Loss : uint8_t {
  NONE,
  SILENCE,
  LOW,
  SHORT,
  BAD_SUM,
  TOO_LONG,
  EARLY,
  LATE,
  BABBLE,
  HELD_UP,
  OTHER_CHIP,
  COUNTER_JUMP,
  UNCONFIRMED,
  RESTARTED,
  UNCHANGED,
  COUNT,
};

const char *loss_name(Loss loss);

/// How one chip is reached.
struct Way {
  Sender *sender{nullptr};
  uint32_t baud_rate{4800};
};

/** One request and its answer on a line that several chips share.
 *
 *     IDLE -> QUIET -> SEND -> FIRST -> BODY -> TRAIL -> IDLE
 *                                \-> QUARANTINE -> IDLE
 *
 * An answer is taken only if it came when the chip that was asked could have sent it, alone and with a right sum.
 * After a loss the line is listened to until it has been silent for a whole answer, so that a late one cannot meet the
 * next request. Every deadline is judged against a clock that was read before the receiver was emptied: a main loop
 * that was held up loses nothing that had arrived in time, unless it was held up for so long that this cannot be told.
 */
class Line {
 public:
  void set_port(Port *port) { this->port_ = port; }
  void set_latency(uint32_t latency_us) { this->latency_us_ = latency_us; }
  void use_speed(uint32_t baud_rate);
  void setup();

  bool busy() const { return this->phase_ != Phase::IDLE; }
  /// `way` must outlive the exchange.
  void start(const Way *way, const Request &request);
  /// Go on as far as possible without waiting; true when the exchange is over.
  bool step();
  /// Drop what arrives while nobody asked.
  void drop_strays();
  void send_break(const Way &way);

  Loss loss() const { return this->loss_; }
  const uint8_t *answer() const { return this->got_ + this->answer_at_; }
  uint8_t answer_size() const { return this->answer_size_; }
  uint32_t stray_bytes() const { return this->stray_bytes_; }
  uint32_t get_latency() const { return this->latency_us_; }

 protected:
  enum class Phase : uint8_t { IDLE, QUIET, SETTLE, FIRST, BODY, TRAIL, QUARANTINE };

  uint32_t drain_();
  void forget_();
  void step_quiet_(uint32_t now_us);
  void send_();
  void step_first_(uint32_t now_us);
  void step_body_(uint32_t now_us);
  void step_trail_(uint32_t now_us);
  void step_quarantine_(uint32_t now_us);
  void fail_(Loss loss);
  bool find_reply_();
  bool fits_(uint8_t at) const;
  bool has_only_zeros_(uint8_t from) const;
  Loss why_none_() const;
  Loss misplaced_(uint32_t now_us) const;
  bool is_early_(uint32_t now_us, uint32_t bytes) const;
  uint32_t whole_us_(uint32_t bytes) const;

  Port *port_{nullptr};
  uint32_t latency_us_{20000};
  uint32_t slowest_{0};
  uint32_t stray_bytes_{0};

  Phase phase_{Phase::IDLE};
  Loss loss_{Loss::NONE};
  const Way *way_{nullptr};
  const Way *last_way_{nullptr};
  Request request_;
  uint32_t quiet_us_{0};      // how long the line must have been silent before the next request
  uint32_t entered_us_{0};    // when the phase began
  uint32_t active_us_{0};     // when anything was last sent or received
  uint32_t least_end_us_{0};  // the request cannot have ended before
  uint32_t sent_us_{0};       // the request had ended by then
  uint8_t got_[MAX_REPLY];
  uint8_t got_size_{0};
  bool overflow_{false};
  uint8_t answer_at_{0};
  uint8_t answer_size_{0};
};

}  // namespace esphome::shared_uart
