// Every row of the fault table of a shared line, as a switch.
#pragma once

#include <cstdint>

namespace bench {

enum class Fault : uint8_t {
  SECOND_POLLER,
  CROSSTALK,
  LATE_ANSWER,
  HELD_BACK,
  SAGGING_LINE,
  NOISE,
  BROWN_OUT,
  HUNG_CHIP,
  STUCK_LOW,
  DAMAGED_REQUEST,
  ANSWER_UNASKED,
  FOREIGN_SPEED,
  LOG_OUTPUT,
  FLIPPED_BIT,
  LOST_BYTE,
  BROKEN_OFF,
  NO_ANSWER,
  PREEMPTED,
  BLOCKED_LOOP,
  COUNT,
};

inline constexpr const char *FAULT_NAMES[] = {
    "second-poller", "crosstalk",  "late-answer",     "held-back",      "sagging-line",  "noise",      "brown-out",
    "hung-chip",     "stuck-low",  "damaged-request", "answer-unasked", "foreign-speed", "log-output", "flipped-bit",
    "lost-byte",     "broken-off", "no-answer",       "preempted",      "blocked-loop",
};
static_assert(sizeof(FAULT_NAMES) / sizeof(FAULT_NAMES[0]) == static_cast<int>(Fault::COUNT));

}  // namespace bench
