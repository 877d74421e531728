#include "channel.h"

#include <algorithm>
#include <cstring>

#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "shared_uart.h"

namespace esphome::shared_uart {

static const char *const TAG = "shared_uart";

static const uint8_t ATTEMPTS = 2;
static const uint8_t CONFIRM_ATTEMPTS = 4;
static const uint8_t BREAK_AFTER = 3;
static const uint8_t REST_AFTER = 10;
static const uint32_t REST_MS = 60000;
static const uint32_t CHECK_EVERY_MS = 300000;
static const uint32_t CHECK_AGAIN_MS = 10000;
static const uint32_t PARTIAL_LIMIT_MS = 1000;
static const uint32_t BLOCK_LIMIT_MS = 1000;

void Channel::setup() { this->way_.baud_rate = this->baud_rate_; }

void Channel::dump_config() const {
  ESP_LOGCONFIG(TAG,
                "  Channel '%s':\n"
                "    Baud Rate: %u",
                this->name_, (unsigned)this->baud_rate_);
  if (this->chip_.tag() != 0)
    ESP_LOGCONFIG(TAG, "    Tag: 0x%04X", (unsigned)this->chip_.tag());
  this->way_.sender->dump_config();
}

// --- the UART its driver sees ------------------------------------------------------------------

void Channel::write_array(const uint8_t *data, size_t len) {
  // A driver that was interrupted between two bytes of a request begins it anew.
  if (this->partial_.size > 0 && millis() - this->partial_ms_ > PARTIAL_LIMIT_MS)
    this->partial_.size = 0;
  this->partial_ms_ = millis();
  this->gather_(data, len);
}

void Channel::gather_(const uint8_t *data, size_t len) {
  for (size_t i = 0; i < len; i++) {
    this->partial_.data[this->partial_.size++] = data[i];
    const uint8_t wanted = request_size(this->partial_.data[0]);
    if (wanted != 0 && this->partial_.size == wanted) {
      this->partial_.kind = kind_of(this->partial_.data);
      this->enqueue_();
    } else if (this->partial_.size == MAX_REQUEST) {
      this->partial_.kind = Kind::RAW;
      this->enqueue_();
    }
  }
  // What is no request of a BL0942 ends with the write it came in.
  if (this->partial_.size > 0 && request_size(this->partial_.data[0]) == 0) {
    this->partial_.kind = Kind::RAW;
    this->enqueue_();
  }
}

void Channel::enqueue_() {
  const Request request = this->partial_;
  this->partial_.size = 0;
  if (!this->accept_(request))
    return;
  for (uint8_t i = 0; i < this->queued_; i++) {
    const bool is_read = request.kind == Kind::PACKET || request.kind == Kind::REGISTER;
    if (is_read && this->queue_[(this->head_ + i) % QUEUE_SIZE].equals(request)) {
      this->tally_.dropped++;
      return;
    }
  }
  if (this->queued_ == QUEUE_SIZE) {
    ESP_LOGW(TAG, "%s: too many requests at once, dropped one", this->name_);
    this->tally_.dropped++;
    return;
  }
  this->queue_[(this->head_ + this->queued_) % QUEUE_SIZE] = request;
  this->queued_++;
}

/// Whether the request may go out on this channel; learns from it.
bool Channel::accept_(const Request &request) {
  if (request.kind == Kind::RAW)
    return true;
  if (!this->chip_.meet(request.address())) {
    ESP_LOGE(TAG, "%s: a request for address %u; this channel serves address %u only", this->name_, request.address(),
             this->chip_.address());
    return false;
  }
  if (request.kind != Kind::WRITE)
    return true;
  if (request.reg() == REG_MODE && (request.word() & MODE_SPEED) != 0) {
    ESP_LOGE(TAG, "%s: refused to change the speed of the chip, which a brown-out would undo", this->name_);
    return false;
  }
  this->chip_.learn(request);
  return true;
}

bool Channel::peek_byte(uint8_t *data) {
  if (this->received_at_ == this->received_size_)
    return false;
  *data = this->received_[this->received_at_];
  return true;
}

bool Channel::read_array(uint8_t *data, size_t len) {
  if (this->received_size_ - this->received_at_ < static_cast<int>(len))
    this->run_until_idle_();
  if (this->received_size_ - this->received_at_ < static_cast<int>(len))
    return false;
  memcpy(data, this->received_ + this->received_at_, len);
  this->received_at_ += len;
  return true;
}

size_t Channel::available() {
  this->parent_->work(false);
  return this->received_size_ - this->received_at_;
}

uart::UARTFlushResult Channel::flush() {
  return this->run_until_idle_() ? uart::UARTFlushResult::UART_FLUSH_RESULT_SUCCESS
                                 : uart::UARTFlushResult::UART_FLUSH_RESULT_TIMEOUT;
}

/// Block until all requests of this channel are done with; drivers do so in their setup only.
bool Channel::run_until_idle_() {
  const uint32_t began_ms = millis();
  while (this->queued_ > 0) {
    if (millis() - began_ms > BLOCK_LIMIT_MS)
      return false;
    this->parent_->work(false);
    arch_feed_wdt();
    delay(1);
  }
  return true;
}

// --- the hub's side ----------------------------------------------------------------------------

bool Channel::has_work(uint32_t now_ms, bool own_checks) {
  if (this->resting_ && now_ms - this->rest_ms_ < REST_MS) {
    this->drop_polls_();
    return this->queued_ > 0;
  }
  this->resting_ = false;
  if (this->queued_ > 0)
    return this->front_().kind != Kind::PACKET || this->waits_for_ == nullptr || !this->chip_.ready();
  if (!own_checks || !this->chip_.known() || !this->chip_.has_settings())
    return false;
  const uint32_t every_ms = this->chip_.ready() ? CHECK_EVERY_MS : CHECK_AGAIN_MS;
  return this->check_due_ || now_ms - this->checked_ms_ > every_ms;
}

Request Channel::next_request() {
  const bool polls = this->queued_ > 0 && this->front_().kind == Kind::PACKET;
  const bool checks = this->queued_ == 0 || (polls && (this->check_due_ || !this->chip_.ready()));
  if (!this->chip_.proving() && checks) {
    this->check_due_ = false;
    this->chip_.begin_proof();
  }
  if (this->chip_.proving())
    return this->chip_.proof_request();
  if (polls)
    this->tally_.polls++;
  return this->front_();
}

bool Channel::take(const Line &line) {
  if (line.loss() != Loss::NONE)
    this->tally_.losses[static_cast<size_t>(line.loss())]++;
  return this->chip_.proving() ? this->take_proof_(line) : this->take_reply_(line);
}

bool Channel::take_proof_(const Line &line) {
  switch (this->chip_.take_proof(line.loss(), line.answer())) {
    case Outcome::GOING:
      return false;
    case Outcome::GOOD:
      this->checked_ms_ = millis();
      if (this->chip_.restarted()) {
        this->tally_.restarts++;
        this->tally_.losses[static_cast<size_t>(Loss::RESTARTED)]++;
        ESP_LOGW(TAG, "%s: the chip had restarted; its settings were written again", this->name_);
      }
      this->parent_->on_proven(this);
      return true;
    case Outcome::FAILED:
      break;
  }
  this->checked_ms_ = millis();
  this->drop_polls_();
  const Loss loss = this->chip_.proof_loss();
  // The others were losses of an exchange, and are counted as such.
  if (loss == Loss::OTHER_CHIP || loss == Loss::UNCHANGED)
    this->tally_.losses[static_cast<size_t>(loss)]++;
  if (loss == Loss::OTHER_CHIP)
    this->parent_->on_other_chip(this);
  this->fail_(loss);
  return true;
}

bool Channel::take_reply_(const Line &line) {
  const Kind kind = this->front_().kind;
  if (kind == Kind::PACKET && line.loss() == Loss::NONE)
    return this->take_packet_(line);
  if (line.loss() != Loss::NONE && kind == Kind::PACKET) {
    // A chip that stays silent lets a neighbour's answer through; it has to prove itself before it is believed again.
    this->chip_.doubt();
  }
  if (line.loss() != Loss::NONE && kind != Kind::RAW && ++this->attempts_ < ATTEMPTS && this->failures_ == 0)
    return false;
  if (line.loss() == Loss::NONE && kind != Kind::WRITE)
    this->deliver_(line.answer(), line.answer_size());
  this->pop_();
  if (line.loss() != Loss::NONE && kind != Kind::RAW) {
    this->fail_(line.loss());
  } else if (kind == Kind::REGISTER) {
    this->succeed_();
  }
  return true;
}

bool Channel::take_packet_(const Line &line) {
  static const uint8_t COUNTER_AT = 13;
  if (this->confirm_ && !this->says_it_again_(line.answer())) {
    if (this->said_times_ < CONFIRM_ATTEMPTS)
      return false;
    this->pop_();
    this->tally_.losses[static_cast<size_t>(Loss::UNCONFIRMED)]++;
    this->fail_(Loss::UNCONFIRMED);
    return true;
  }
  this->pop_();
  if (this->chip_.continues(word_at(line.answer() + COUNTER_AT), millis())) {
    this->tally_.readings++;
    this->deliver_(line.answer(), line.answer_size());
    this->succeed_();
  } else {
    this->tally_.losses[static_cast<size_t>(Loss::COUNTER_JUMP)]++;
    this->fail_(Loss::COUNTER_JUMP);
  }
  return true;
}

/** Whether the chip says what it said a moment ago.
 *
 * Its values change every 400 or 800 ms, so two of four packets in a row agree unless something else spoke. A sum of
 * one byte lets one damaged packet in 256 pass; this does not.
 */
bool Channel::says_it_again_(const uint8_t *packet) {
  static const size_t RMS_AT = 1, RMS_SIZE = 6, WATT_AT = 10, WATT_SIZE = 3, COUNTER_AT = 13, FREQ_AT = 16;
  static const uint32_t MOST_PULSES = 4;
  static const int MOST_FREQ = 256;
  const uint32_t pulses =
      (word_at(packet + COUNTER_AT) - word_at(this->said_ + COUNTER_AT) + MOST_PULSES) & COUNTER_MASK;
  const auto freq = static_cast<int>(word_at(packet + FREQ_AT) - word_at(this->said_ + FREQ_AT));
  const bool same = this->said_times_ > 0 && memcmp(packet + RMS_AT, this->said_ + RMS_AT, RMS_SIZE) == 0 &&
                    memcmp(packet + WATT_AT, this->said_ + WATT_AT, WATT_SIZE) == 0 && pulses <= 2 * MOST_PULSES &&
                    freq >= -MOST_FREQ && freq <= MOST_FREQ;
  memcpy(this->said_, packet, PACKET_SIZE);
  this->said_times_++;
  return same;
}

/// An older answer that nobody fetched gives way: its driver would take the two for one.
void Channel::deliver_(const uint8_t *data, size_t size) {
  memcpy(this->received_, data, size);
  this->received_size_ = size;
  this->received_at_ = 0;
}

void Channel::pop_() {
  this->head_ = (this->head_ + 1) % QUEUE_SIZE;
  this->queued_--;
  this->attempts_ = 0;
  this->said_times_ = 0;
}

void Channel::drop_polls_() {
  while (this->queued_ > 0 && this->front_().kind == Kind::PACKET) {
    this->tally_.dropped++;
    this->pop_();
  }
}

void Channel::succeed_() {
  if (this->failures_ >= BREAK_AFTER)
    ESP_LOGI(TAG, "%s: answers again", this->name_);
  this->failures_ = 0;
}

/// A turn without a result: what is known of the chip becomes doubtful, and later the chip gets help.
void Channel::fail_(Loss loss) {
  if (this->failures_ < UINT8_MAX)
    this->failures_++;
  ESP_LOGD(TAG, "%s: %s (%u in a row)", this->name_, loss_name(loss), this->failures_);
  this->chip_.doubt();
  if (this->failures_ == REST_AFTER)
    ESP_LOGW(TAG, "%s: still no result; asked once a minute from now on", this->name_);
  if (this->failures_ >= REST_AFTER) {
    this->rest(millis());
  } else if (this->failures_ % BREAK_AFTER == 0) {
    ESP_LOGW(TAG, "%s: %u failures in a row, last: %s; resetting the chip's UART", this->name_, this->failures_,
             loss_name(loss));
  } else {
    return;
  }
  this->break_due_ = true;
}

/// Whether the next turn begins with a break: right before it, so that nothing comes in between.
bool Channel::takes_break() {
  const bool due = this->break_due_;
  this->break_due_ = false;
  if (due)
    this->tally_.breaks++;
  return due;
}

void Channel::rest(uint32_t now_ms) {
  this->resting_ = true;
  this->rest_ms_ = now_ms;
}

}  // namespace esphome::shared_uart
