// The generated firmware in real time: the receiver is a real tty, a pin's edges go to a pipe, readings to stdout.
//
//     firmware EDGES SECONDS
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <thread>
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

// Edges are written by a thread of their own: a write would wake the reader, and the scheduler may let it run at once,
// in the middle of a byte.
std::array<Edge, 1024> recorded;
std::atomic<size_t> recorded_count{0};

void write_edges() {
  size_t written = 0;
  while (true) {
    for (; written < recorded_count.load(std::memory_order_acquire); written++) {
      const Edge &edge = recorded[written % recorded.size()];
      if (write(edges, &edge, sizeof(edge)) != sizeof(edge))
        std::_Exit(4);
    }
    usleep(500);
  }
}

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
  const size_t count = recorded_count.load(std::memory_order_relaxed);
  recorded[count % recorded.size()] = {now_ns(), value};
  recorded_count.store(count + 1, std::memory_order_release);
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
  std::thread(write_edges).detach();
  // The module's own main task is hardly ever preempted either. Where this is not allowed, bytes are held up.
  const sched_param priority{.sched_priority = 10};
  sched_setscheduler(0, SCHED_FIFO, &priority);
  esphome::host::setup_preferences();
  setup();
  for (auto *sensor : esphome::App.get_sensors()) {
    const std::string name = sensor->get_name().c_str();
    sensor->add_on_state_callback([name](float value) { printf("READING %s %.9g\n", name.c_str(), value); });
  }
  while (now_ns() < end_ns)
    loop();
  fflush(stdout);
  std::_Exit(0);
}
