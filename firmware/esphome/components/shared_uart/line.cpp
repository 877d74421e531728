#include "line.h"

#include <algorithm>

#include "esphome/core/hal.h"

namespace esphome::shared_uart {

// The chip's half bit between request and answer, rounded up together with the first byte.
static const uint32_t FIRST_BITS = 11;
// Silence after which no byte is under way any more: 2.4 byte times.
static const uint32_t QUIET_BITS = 24;
static const uint32_t TOLERANCE_PERCENT = 5;
static const uint32_t MARGIN_US = 800;
static const uint32_t QUIET_WITHIN_US = 100000;
static const uint32_t BABBLE_WITHIN_US = 1000000;
static const uint32_t OTHER_CHIP_PAUSE_US = 20000;
static const uint32_t AFTER_WRITE_US = 1000;
// The line may carry the rest of an answer that was asked for before a restart.
static const uint32_t START_WAIT_US = 60000;
// A main loop that looks more rarely cannot tell whose answer it finds; ESPHome calls 50 ms too long already.
static const uint32_t LOOK_WITHIN_US = 60000;
static const uint8_t MOST_JUNK = 4;

const char *loss_name(Loss loss) {
  static const char *const NAMES[] = {
      "none",       "silence",      "line low",      "short",          "bad sum",
      "too long",   "early",        "late",          "never quiet",    "held up",
      "other chip", "counter jump", "not confirmed", "chip restarted", "write not taken",
  };
  static_assert(sizeof(NAMES) / sizeof(NAMES[0]) == static_cast<size_t>(Loss::COUNT));
  return NAMES[static_cast<size_t>(loss)];
}

void Line::use_speed(uint32_t baud_rate) {
  this->slowest_ = this->slowest_ == 0 ? baud_rate : std::min(this->slowest_, baud_rate);
}

void Line::setup() {
  this->active_us_ = micros();
  this->quiet_us_ = START_WAIT_US + this->latency_us_;
}

void Line::start(const Way *way, const Request &request) {
  if (way != this->last_way_)
    this->quiet_us_ = std::max(this->quiet_us_, OTHER_CHIP_PAUSE_US);
  this->quiet_us_ = std::max(this->quiet_us_, bits_us(QUIET_BITS, way->baud_rate) + this->latency_us_);
  this->way_ = way;
  this->request_ = request;
  this->loss_ = Loss::NONE;
  this->answer_size_ = 0;
  this->phase_ = Phase::QUIET;
  this->entered_us_ = micros();
}

bool Line::step() {
  const uint32_t now_us = this->drain_();
  switch (this->phase_) {
    case Phase::IDLE:
      break;
    case Phase::QUIET:
      this->step_quiet_(now_us);
      break;
    case Phase::SETTLE:
      if (now_us - this->sent_us_ >= AFTER_WRITE_US)
        this->phase_ = Phase::IDLE;
      break;
    case Phase::FIRST:
      this->step_first_(now_us);
      break;
    case Phase::BODY:
      this->step_body_(now_us);
      break;
    case Phase::TRAIL:
      this->step_trail_(now_us);
      break;
    case Phase::QUARANTINE:
      this->step_quarantine_(now_us);
      break;
  }
  return this->phase_ == Phase::IDLE;
}

void Line::drop_strays() {
  this->drain_();
  this->forget_();
}

void Line::send_break(const Way &way) {
  way.sender->send_break(way.baud_rate);
  this->port_->set_speed(way.baud_rate);
  this->active_us_ = micros();
  this->quiet_us_ = OTHER_CHIP_PAUSE_US;
}

/// Take what has arrived; the time before looking.
uint32_t Line::drain_() {
  const uint32_t now_us = micros();
  auto *uart = this->port_->uart();
  for (size_t waiting = uart->available(); waiting > 0; waiting--) {
    uint8_t value;
    if (!uart->read_byte(&value))
      break;
    this->active_us_ = micros();
    if (this->got_size_ < MAX_REPLY) {
      this->got_[this->got_size_++] = value;
    } else {
      this->overflow_ = true;
      this->stray_bytes_++;
    }
  }
  return now_us;
}

void Line::forget_() {
  this->stray_bytes_ += this->got_size_;
  this->got_size_ = 0;
  this->overflow_ = false;
}

void Line::step_quiet_(uint32_t now_us) {
  this->forget_();
  // As signed numbers: a byte may have arrived after `now_us` was read.
  const auto silent_us = static_cast<int32_t>(now_us - this->active_us_);
  if (silent_us >= static_cast<int32_t>(this->quiet_us_)) {
    this->send_();
  } else if (now_us - this->entered_us_ > QUIET_WITHIN_US + this->quiet_us_) {
    this->loss_ = Loss::BABBLE;
    this->phase_ = Phase::IDLE;
  }
}

void Line::send_() {
  this->port_->set_speed(this->way_->baud_rate);
  this->last_way_ = this->way_;
  this->quiet_us_ = 0;
  this->least_end_us_ = micros();
  const bool sent =
      this->way_->sender->send(this->request_.data, this->request_.size, this->way_->baud_rate, &this->least_end_us_);
  const uint32_t now_us = micros();
  const bool still_leaving = static_cast<int32_t>(this->least_end_us_ - now_us) > 0;
  this->sent_us_ = still_leaving ? this->least_end_us_ : now_us;
  this->entered_us_ = this->active_us_ = this->sent_us_;
  if (!sent) {
    this->fail_(Loss::HELD_UP);
  } else if (this->request_.kind == Kind::WRITE) {
    this->phase_ = Phase::SETTLE;
  } else {
    this->phase_ = Phase::FIRST;
  }
}

void Line::step_first_(uint32_t now_us) {
  if (this->got_size_ > 0) {
    if (!this->has_only_zeros_(0) && this->is_early_(now_us, 1)) {
      this->fail_(Loss::EARLY);
      return;
    }
    this->phase_ = Phase::BODY;
    this->step_body_(now_us);
  } else if (static_cast<int32_t>(now_us - this->sent_us_) >
             static_cast<int32_t>(bits_us(FIRST_BITS, this->way_->baud_rate) + MARGIN_US + this->latency_us_)) {
    this->fail_(Loss::SILENCE);
  }
}

void Line::step_body_(uint32_t now_us) {
  if (this->find_reply_()) {
    const Loss loss = this->misplaced_(now_us);
    if (loss != Loss::NONE) {
      this->fail_(loss);
    } else {
      this->phase_ = Phase::TRAIL;
    }
    return;
  }
  const auto silent_us = static_cast<int32_t>(now_us - this->active_us_);
  const bool gap = silent_us > static_cast<int32_t>(bits_us(QUIET_BITS, this->way_->baud_rate) + this->latency_us_);
  if (this->request_.kind == Kind::RAW) {
    if (gap) {
      this->answer_at_ = 0;
      this->answer_size_ = this->got_size_;
      this->phase_ = Phase::IDLE;
    }
    return;
  }
  const uint8_t size = this->request_.reply_size();
  const bool over = static_cast<int32_t>(now_us - this->sent_us_) > static_cast<int32_t>(this->whole_us_(size));
  if (gap || over || this->got_size_ > size + MOST_JUNK)
    this->fail_(this->why_none_());
}

/// A chip that answers alone stops after its answer; a sagging line may add zeros.
void Line::step_trail_(uint32_t now_us) {
  if (!this->has_only_zeros_(this->answer_at_ + this->answer_size_) || this->overflow_) {
    this->fail_(Loss::TOO_LONG);
    return;
  }
  const auto silent_us = static_cast<int32_t>(now_us - this->active_us_);
  if (silent_us < static_cast<int32_t>(bits_us(QUIET_BITS, this->way_->baud_rate) + this->latency_us_))
    return;
  this->stray_bytes_ += this->got_size_ - this->answer_size_;
  this->phase_ = Phase::IDLE;
}

void Line::step_quarantine_(uint32_t now_us) {
  this->forget_();
  const uint32_t since_us =
      static_cast<int32_t>(this->active_us_ - this->entered_us_) > 0 ? this->active_us_ : this->entered_us_;
  const uint32_t packet_us = bytes_us(PACKET_SIZE, this->slowest_) * (100 + TOLERANCE_PERCENT) / 100;
  const auto silent_us = static_cast<int32_t>(now_us - since_us);
  if (silent_us >= static_cast<int32_t>(packet_us + MARGIN_US + this->latency_us_) ||
      now_us - this->entered_us_ > BABBLE_WITHIN_US)
    this->phase_ = Phase::IDLE;
}

void Line::fail_(Loss loss) {
  this->loss_ = loss;
  this->answer_size_ = 0;
  this->phase_ = Phase::QUARANTINE;
  this->entered_us_ = micros();
  this->forget_();
}

/// Move on byte by byte: what stands before the answer may be noise, or the rest of another one.
bool Line::find_reply_() {
  const uint8_t size = this->request_.reply_size();
  for (uint8_t at = 0; at + size <= this->got_size_; at++) {
    if (this->fits_(at)) {
      this->answer_at_ = at;
      this->answer_size_ = size;
      return true;
    }
    // A register has no header: only the zeros of a sagging line are skipped before it.
    if (this->request_.kind == Kind::REGISTER && this->got_[at] != 0)
      return false;
  }
  return false;
}

bool Line::fits_(uint8_t at) const {
  switch (this->request_.kind) {
    case Kind::PACKET:
      return is_packet(this->got_ + at, this->request_.address());
    case Kind::REGISTER:
      return is_register_reply(this->got_ + at, this->request_);
    case Kind::WRITE:
    case Kind::RAW:
      break;
  }
  return false;
}

bool Line::has_only_zeros_(uint8_t from) const {
  return std::all_of(this->got_ + from, this->got_ + this->got_size_, [](uint8_t value) { return value == 0; });
}

Loss Line::why_none_() const {
  if (this->got_size_ == 0)
    return Loss::SILENCE;
  if (this->has_only_zeros_(0))
    return Loss::LOW;
  if (this->got_size_ < this->request_.reply_size())
    return Loss::SHORT;
  return this->got_size_ <= this->request_.reply_size() + 1 ? Loss::BAD_SUM : Loss::TOO_LONG;
}

/// An answer with a right sum that may have come at a wrong time, or does not stand alone.
Loss Line::misplaced_(uint32_t now_us) const {
  if (this->is_early_(now_us, this->answer_size_))
    return Loss::EARLY;
  if (this->answer_at_ > MOST_JUNK || this->overflow_)
    return Loss::TOO_LONG;
  const auto passed_us = static_cast<int32_t>(now_us - this->sent_us_);
  if (passed_us > static_cast<int32_t>(this->whole_us_(this->answer_size_) + LOOK_WITHIN_US))
    return Loss::LATE;
  return Loss::NONE;
}

/// Whether no chip asked by this request can have sent so many bytes by now.
bool Line::is_early_(uint32_t now_us, uint32_t bytes) const {
  const uint32_t least_us = bytes_us(bytes, this->way_->baud_rate) * (100 - TOLERANCE_PERCENT) / 100;
  return static_cast<int32_t>(now_us - this->least_end_us_) < static_cast<int32_t>(least_us);
}

/// By when an answer of so many bytes must have arrived, counted from the end of the request.
uint32_t Line::whole_us_(uint32_t bytes) const {
  const uint32_t wire_us = bits_us(bytes * BITS_PER_BYTE + 1, this->way_->baud_rate);
  return wire_us * (100 + TOLERANCE_PERCENT) / 100 + MARGIN_US + this->latency_us_;
}

}  // namespace esphome::shared_uart
