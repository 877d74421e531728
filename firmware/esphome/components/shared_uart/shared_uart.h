#pragma once

#include "channel.h"
#include "line.h"
#include "sender.h"

#include "esphome/core/component.h"

namespace esphome::shared_uart {

/** Several virtual UARTs over one receive line.
 *
 * The hub owns the line: one exchange at a time, channels in turn. It is worked from loop(), and by a driver that
 * waits for its own answer.
 */
class SharedUart : public Component {
 public:
  explicit SharedUart(Port *port) { this->line_.set_port(port); }

  void add_channel(Channel *channel);
  void set_latency(uint32_t latency_ms) { this->line_.set_latency(latency_ms * 1000); }
  void set_report_interval(uint32_t interval_ms) { this->report_interval_ms_ = interval_ms; }

  void setup() override;
  void loop() override;
  void dump_config() override;
  // Right after the UART it builds on, before any driver.
  float get_setup_priority() const override { return setup_priority::BUS - 0.1f; }

  /// Do what can be done now; `own_checks` allows exchanges that no driver asked for.
  void work(bool own_checks);
  void on_proven(Channel *channel);
  void on_other_chip(Channel *channel);

  const Channel *channels() const { return this->first_; }

 protected:
  Channel *next_channel_(bool own_checks);
  Channel *owner_of_(uint32_t tag);
  void watch_line_();
  void report_();

  Line line_;
  Channel *first_{nullptr};
  Channel *last_turn_{nullptr};
  Channel *active_{nullptr};
  uint8_t channel_count_{0};
  uint32_t report_interval_ms_{3600000};
  uint32_t reported_ms_{0};
};

}  // namespace esphome::shared_uart
