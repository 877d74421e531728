#include "shared_uart.h"

#include <cinttypes>
#include <cstdio>

#include "esphome/core/hal.h"
#include "esphome/core/log.h"

namespace esphome::shared_uart {

static const char *const TAG = "shared_uart";

static const uint8_t DEAD_AFTER = 3;

void SharedUart::add_channel(Channel *channel) {
  Channel **at = &this->first_;
  while (*at != nullptr)
    at = &(*at)->next;
  *at = channel;
  this->channel_count_++;
}

void SharedUart::setup() {
  for (Channel *channel = this->first_; channel != nullptr; channel = channel->next) {
    channel->setup();
    channel->way()->sender->setup();
    channel->chip().set_foreign_tags(FIRST_TAG + 1 - this->channel_count_);
    this->line_.use_speed(channel->get_baud_rate());
  }
  this->line_.setup();
  this->reported_ms_ = millis();
}

void SharedUart::loop() {
  this->work(true);
  this->watch_line_();
  if (this->report_interval_ms_ != 0 && millis() - this->reported_ms_ >= this->report_interval_ms_)
    this->report_();
}

void SharedUart::work(bool own_checks) {
  if (this->line_.busy()) {
    if (!this->line_.step())
      return;
    if (this->active_->take(this->line_))
      this->active_ = nullptr;
  }
  if (this->active_ == nullptr)
    this->active_ = this->next_channel_(own_checks);
  if (this->active_ == nullptr) {
    this->line_.drop_strays();
    return;
  }
  if (this->active_->takes_break())
    this->line_.send_break(*this->active_->way());
  this->line_.start(this->active_->way(), this->active_->next_request());
}

/// The first channel with work after the one whose turn was last.
Channel *SharedUart::next_channel_(bool own_checks) {
  const uint32_t now_ms = millis();
  Channel *candidate = this->last_turn_;
  for (uint8_t i = 0; i < this->channel_count_; i++) {
    candidate = candidate == nullptr || candidate->next == nullptr ? this->first_ : candidate->next;
    if (candidate->has_work(now_ms, own_checks)) {
      this->last_turn_ = candidate;
      return candidate;
    }
  }
  return nullptr;
}

// --- which chip is which -----------------------------------------------------------------------

/// A chip that carries its own tag, unwritten, after a neighbour was given another one is not that neighbour's.
void SharedUart::on_proven(Channel *channel) {
  const bool unwritten = !channel->chip().wrote();
  for (Channel *other = this->first_; other != nullptr; other = other->next) {
    if (other == channel || !other->chip().known())
      continue;
    if (unwritten && other->waits_for() == channel && other->chip().ready())
      other->wait_for(nullptr);
    if (!unwritten || channel->waits_for() == other) {
      other->chip().doubt();
      other->check_now();
    }
  }
}

/** The answers on this channel carry a neighbour's tag.
 *
 * Either the neighbour's writes reached this chip too, or both channels reach one chip. This one is given its own tag
 * again and waits until the neighbour's was seen unchanged after that.
 */
void SharedUart::on_other_chip(Channel *channel) {
  Channel *owner = this->owner_of_(channel->chip().foreign_tag());
  channel->chip().write_again();
  if (owner == nullptr)
    return;
  if (owner->waits_for() == channel) {
    ESP_LOGE(TAG, "%s and %s reach the same chip: check senders, addresses and speeds", channel->name(), owner->name());
    channel->wait_for(owner);
    owner->chip().doubt();
    owner->chip().write_again();
    owner->rest(millis());
    channel->rest(millis());
    return;
  }
  ESP_LOGW(TAG, "%s: the chip carries the tag of %s", channel->name(), owner->name());
  channel->wait_for(owner);
  channel->check_now();
}

Channel *SharedUart::owner_of_(uint32_t tag) {
  for (Channel *channel = this->first_; channel != nullptr; channel = channel->next) {
    if (channel->chip().tag() == tag)
      return channel;
  }
  return nullptr;
}

// --- reports -----------------------------------------------------------------------------------

/// No channel at all answering points at the line or the supply, not at a chip.
void SharedUart::watch_line_() {
  bool dead = this->first_ != nullptr;
  for (Channel *channel = this->first_; channel != nullptr; channel = channel->next)
    dead = dead && channel->failures() >= DEAD_AFTER;
  if (dead && !this->status_has_warning()) {
    ESP_LOGW(TAG, "no channel answers: supply, receive pin, or an output that keeps the line low");
    this->status_set_warning();
  } else if (!dead) {
    this->status_clear_warning();
  }
}

void SharedUart::report_() {
  this->reported_ms_ = millis();
  for (const Channel *channel = this->first_; channel != nullptr; channel = channel->next) {
    const Tally &tally = channel->tally();
    char losses[160];
    size_t used = 0;
    losses[0] = '\0';
    for (size_t i = 1; i < static_cast<size_t>(Loss::COUNT); i++) {
      if (tally.losses[i] != 0 && used < sizeof(losses))
        used += snprintf(losses + used, sizeof(losses) - used, ", %s %" PRIu32, loss_name(static_cast<Loss>(i)),
                         tally.losses[i]);
    }
    ESP_LOGI(TAG, "%s: %" PRIu32 " polls, %" PRIu32 " readings, %" PRIu32 " breaks%s", channel->name(), tally.polls,
             tally.readings, tally.breaks, losses);
  }
}

void SharedUart::dump_config() {
  ESP_LOGCONFIG(TAG,
                "Shared UART:\n"
                "  Latency: %" PRIu32 " ms",
                this->line_.get_latency() / 1000);
  for (const Channel *channel = this->first_; channel != nullptr; channel = channel->next)
    channel->dump_config();
}

}  // namespace esphome::shared_uart
