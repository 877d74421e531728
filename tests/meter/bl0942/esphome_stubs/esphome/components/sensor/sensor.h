#pragma once

namespace esphome::sensor {

class Sensor {
 public:
  void publish_state(float value) {
    state = value;
    published = true;
  }
  float state = 0;
  bool published = false;
};

}  // namespace esphome::sensor
