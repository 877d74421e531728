// The generated firmware in real time: the receiver is a real tty, a pin's edges go to a pipe, readings to stdout.
//
//     firmware EDGES SECONDS
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "esphome/components/host/core.h"
#include "esphome/components/host/gpio.h"
#include "esphome/components/host/preferences.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/core/application.h"

void setup();
void loop();

namespace {

int edges = -1;

int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct Edge {
  int64_t at_ns;
  int64_t level;
};

}  // namespace

namespace esphome {

namespace host {
char **get_argv() { return nullptr; }
const std::string &get_exe_path() {
  static const std::string EMPTY;
  return EMPTY;
}
void arm_reexec(const std::string &) {}
const char *get_reexec_path() { return nullptr; }

ISRInternalGPIOPin HostGPIOPin::to_isr() const { return {}; }
void HostGPIOPin::attach_interrupt(void (*)(void *), void *, gpio::InterruptType) const {}
void HostGPIOPin::pin_mode(gpio::Flags) {}
size_t HostGPIOPin::dump_summary(char *buffer, size_t len) const { return snprintf(buffer, len, "P%u", this->pin_); }
bool HostGPIOPin::digital_read() { return true; }
void HostGPIOPin::digital_write(bool value) {
  const Edge edge{now_ns(), value};
  if (write(edges, &edge, sizeof(edge)) != sizeof(edge))
    std::exit(4);
}
void HostGPIOPin::detach_interrupt() const {}
}  // namespace host

bool ISRInternalGPIOPin::digital_read() { return true; }
void ISRInternalGPIOPin::digital_write(bool) {}
void ISRInternalGPIOPin::clear_interrupt() {}

}  // namespace esphome

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  edges = open(argv[1], O_WRONLY);
  const int64_t end_ns = now_ns() + int64_t(atof(argv[2]) * 1e9);
  esphome::host::setup_preferences();
  setup();
  for (auto *sensor : esphome::App.get_sensors()) {
    const std::string name = sensor->get_name().c_str();
    sensor->add_on_state_callback([name](float value) { printf("READING %s %.9g\n", name.c_str(), value); });
  }
  while (now_ns() < end_ns)
    loop();
  fflush(stdout);
  return 0;
}
