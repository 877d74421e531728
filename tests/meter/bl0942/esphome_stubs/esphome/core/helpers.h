// What ESPHome's bl0942 component needs of the core, just enough to run its decoder on a host.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace esphome {

using std::optional;
template<typename T> constexpr T convert_little_endian(T value) { return value; }
template<typename T> constexpr T convert_big_endian(T value) { return value; }
inline uint32_t millis() { return 0; }
inline void delay(uint32_t) {}

}  // namespace esphome
