// What the host platform of ESPHome gives the firmware, on the virtual clock and the bench's line. Takes the place of
// components/host/{hal,gpio,core}.cpp, components/uart/uart_component_host.cpp and core/wake/wake_host.cpp.
#include "bench.h"

#include <atomic>
#include <cstdlib>

#include "esphome/components/host/core.h"
#include "esphome/components/host/gpio.h"
#include "esphome/components/uart/uart_component_host.h"
#include "esphome/core/hal.h"
#include "esphome/core/wake.h"

namespace esphome {

uint32_t micros() { return bench::world.micros(); }
uint32_t millis() { return uint32_t(millis_64()); }
uint64_t millis_64() { return uint64_t(bench::world.now / bench::MS); }
void delay(uint32_t ms) { bench::world.tick(ms * bench::MS); }
void delayMicroseconds(uint32_t us) { bench::world.tick(us * bench::US); }
uint32_t arch_get_cpu_cycle_count() { return uint32_t(bench::world.now); }
void arch_restart() { std::exit(3); }

std::atomic<uint8_t> g_wake_requested{0};
void wake_loop_threadsafe() { wake_request_set(); }
bool wake_register_fd(int) { return true; }
void wake_unregister_fd(int) {}
void wake_setup() {}
namespace internal {
int g_wake_socket_fd = -1;
fd_set g_read_fds{};
void wakeable_delay(uint32_t ms) { bench::world.tick(ms > 0 ? ms * bench::MS : 100 * bench::US); }
}  // namespace internal

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
void HostGPIOPin::digital_write(bool value) { bench::world.pin_write(this->pin_, value != this->inverted_); }
void HostGPIOPin::detach_interrupt() const {}
}  // namespace host

bool ISRInternalGPIOPin::digital_read() { return true; }
void ISRInternalGPIOPin::digital_write(bool) {}
void ISRInternalGPIOPin::clear_interrupt() {}

namespace uart {
HostUartComponent::~HostUartComponent() = default;
void HostUartComponent::setup() { bench::world.set_baud(this->baud_rate_); }
void HostUartComponent::dump_config() {}
void HostUartComponent::write_array(const uint8_t *data, size_t len) { bench::world.uart_send(data, len); }
bool HostUartComponent::peek_byte(uint8_t *data) { return bench::world.peek(data); }
bool HostUartComponent::read_array(uint8_t *data, size_t len) {
  if (!this->check_read_timeout_(len))
    return false;
  for (size_t i = 0; i < len; i++)
    bench::world.read(data + i);
  return true;
}
size_t HostUartComponent::available() { return bench::world.available(); }
UARTFlushResult HostUartComponent::flush() {
  bench::world.uart_flush();
  return UARTFlushResult::UART_FLUSH_RESULT_SUCCESS;
}
}  // namespace uart

}  // namespace esphome
