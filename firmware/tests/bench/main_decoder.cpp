// ESPHome's own decoder as a filter: lines of "ADDRESS HEX..." in, a line "= VALUES" of what the stock
// driver publishes out.
#include <cstdio>
#include <cstring>
#include <vector>

#include "esphome/components/bl0942/bl0942.h"
#include "esphome/components/host/preferences.h"
#include "esphome/components/sensor/sensor.h"

void setup();

namespace {

class Replay : public esphome::uart::UARTComponent {
 public:
  std::vector<uint8_t> data;

  void write_array(const uint8_t *, size_t) override {}
  bool peek_byte(uint8_t *value) override { return this->take_(value, 1, false); }
  bool read_array(uint8_t *value, size_t len) override { return this->take_(value, len, true); }
  size_t available() override { return this->data.size(); }
  esphome::uart::UARTFlushResult flush() override { return esphome::uart::UARTFlushResult::UART_FLUSH_RESULT_SUCCESS; }

 protected:
  void check_logger_conflict() override {}
  bool take_(uint8_t *value, size_t len, bool remove) {
    if (this->data.size() < len)
      return false;
    memcpy(value, this->data.data(), len);
    if (remove)
      this->data.erase(this->data.begin(), this->data.begin() + len);
    return true;
  }
};

}  // namespace

int main() {
  // The driver logs what it refuses, and wants the logger for it.
  esphome::host::setup_preferences();
  setup();
  static Replay line;
  static esphome::bl0942::BL0942 driver;
  static esphome::sensor::Sensor sensors[5];
  static float values[5];
  static int published;
  driver.set_uart_parent(&line);
  driver.set_voltage_sensor(&sensors[0]);
  driver.set_current_sensor(&sensors[1]);
  driver.set_power_sensor(&sensors[2]);
  driver.set_energy_sensor(&sensors[3]);
  driver.set_frequency_sensor(&sensors[4]);
  for (int i = 0; i < 5; i++) {
    sensors[i].add_on_state_callback([i](float value) {
      values[i] = value;
      published++;
    });
  }
  char text[256];
  while (fgets(text, sizeof(text), stdin) != nullptr) {
    unsigned address, value;
    int used;
    const char *at = text;
    if (sscanf(at, "%u%n", &address, &used) != 1)
      return 2;
    line.data.clear();
    for (at += used; sscanf(at, "%2x%n", &value, &used) == 1; at += used)
      line.data.push_back(uint8_t(value));
    driver.set_address(uint8_t(address));
    published = 0;
    driver.loop();
    if (published == 5) {
      printf("= %.9g %.9g %.9g %.9g %.9g\n", values[0], values[1], values[2], values[3], values[4]);
    } else {
      printf("= refused\n");
    }
  }
  return 0;
}
