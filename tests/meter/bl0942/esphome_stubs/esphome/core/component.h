#pragma once
#include "esphome/core/helpers.h"

namespace esphome {

class PollingComponent {
 public:
  virtual ~PollingComponent() = default;
  virtual void setup() {}
  virtual void loop() {}
  virtual void update() {}
  virtual void dump_config() {}
  void status_set_warning(const char *) { warned = true; }
  void status_clear_warning() { warned = false; }
  bool warned = false;
};

}  // namespace esphome
