// Lets ESPHome's own bl0942 component read lines: "packet ADDRESS HEX" and "setup ADDRESS HEX",
// where HEX is what arrives. Prints the values it publishes, or what it sends at set-up.
#include <cstdio>
#include <cstring>
#include <string>

#include "esphome/components/bl0942/bl0942.h"

static void receive(esphome::bl0942::BL0942 &meter, const char *hex) {
  unsigned byte;
  for (; std::sscanf(hex, "%2x", &byte) == 1; hex += 2) {
    meter.received.push_back(static_cast<uint8_t>(byte));
  }
}

int main() {
  char kind[16], hex[4096];
  int address;
  while (std::scanf("%15s %d %4095s", kind, &address, hex) == 3) {
    esphome::bl0942::BL0942 meter;
    esphome::sensor::Sensor sensors[5];
    meter.set_voltage_sensor(&sensors[0]);
    meter.set_current_sensor(&sensors[1]);
    meter.set_power_sensor(&sensors[2]);
    meter.set_energy_sensor(&sensors[3]);
    meter.set_frequency_sensor(&sensors[4]);
    meter.set_address(static_cast<uint8_t>(address));
    receive(meter, hex);
    if (std::strcmp(kind, "setup") == 0) {
      meter.setup();
      meter.update();
      for (char byte : meter.sent) {
        std::printf("%02x", static_cast<unsigned char>(byte));
      }
      std::printf(" %d\n", meter.warned ? 1 : 0);
      continue;
    }
    meter.loop();
    if (!sensors[0].published) {
      std::printf("rejected\n");
      continue;
    }
    for (const auto &sensor : sensors) {
      std::printf("%.9g ", sensor.state);
    }
    std::printf("\n");
  }
}
