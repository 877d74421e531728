// Runs the generated firmware against simulated chips and judges every reading that its sensors publish.
//
//     firmware --report FILE --hours H --seed N --chip NAME:WIRE:ADDRESS:BAUD[:relock] ... --fault NAME=RATE ...
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "bench.h"
#include "esphome/components/host/preferences.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/components/shared_uart/shared_uart.h"
#include "esphome/core/application.h"

using bench::Chip;
using bench::Fault;
using bench::MS;
using bench::Ns;
using bench::S;
using bench::world;

void setup();
void loop();

namespace {

// The references the stock driver has when none is configured.
const float UREF = 15883.34116f, IREF = 251065.6814f, PREF = 623.0270705f, EREF = 5347.484240f;
const Ns FRESH = 1500 * MS;

struct Published {
  float voltage, current, power, energy, frequency;
};

struct Verdicts {
  uint32_t right{0}, stale{0}, wrong_chip{0}, damaged{0};
  Ns last{0}, longest_gap{0};
};

struct Options {
  std::string report;
  double hours{1};
  double faults_after_s{10};
  double faults_until_s{1e12};
  bool answering_at_start{false};
};

std::map<std::string, Published> published;
std::map<std::string, Verdicts> verdicts;

bool is_same(const Published &shown, const bench::Packet &packet) {
  const float voltage = float(packet.v_rms) / UREF, current = float(packet.i_rms) / IREF;
  const float power = float(packet.watt) / PREF, energy = float(packet.cf_cnt) / EREF;
  const float frequency = 1000000.0f / float(packet.freq);
  return shown.voltage == voltage && shown.current == current && shown.power == power && shown.energy == energy &&
         shown.frequency == frequency;
}

bool said(const Chip &chip, const Published &shown, Ns since) {
  for (const auto &spoken : chip.spoken) {
    if (spoken.at >= since && is_same(shown, spoken.packet))
      return true;
  }
  return false;
}

/// Which faults led to a reading that should not have been published.
void explain(const std::string &suffix, const char *whose) {
  fprintf(stderr, "%.3f s: %s reading on %s after", double(world.now) / S, whose, suffix.c_str());
  for (const auto &[at, fault] : world.recent)
    fprintf(stderr, " %s (%.3f s)", bench::FAULT_NAMES[size_t(fault)], double(at - world.now) / S);
  fprintf(stderr, "\n");
}

void judge(const std::string &suffix) {
  const Published &shown = published[suffix];
  Verdicts &verdict = verdicts[suffix];
  verdict.longest_gap = std::max(verdict.longest_gap, world.now - verdict.last);
  verdict.last = world.now;
  for (const auto &chip : world.chips) {
    if (!said(*chip, shown, 0))
      continue;
    if (chip->name != suffix) {
      verdict.wrong_chip++;
      explain(suffix, "another chip's");
    } else if (said(*chip, shown, world.now - FRESH)) {
      verdict.right++;
    } else {
      verdict.stale++;
    }
    return;
  }
  verdict.damaged++;
  explain(suffix, "nobody's");
}

void watch_sensors() {
  for (auto *sensor : esphome::App.get_sensors()) {
    const std::string name = sensor->get_name().c_str();
    const std::string suffix = name.substr(name.rfind(' ') + 1);
    verdicts[suffix];
    sensor->add_on_state_callback([name, suffix](float value) {
      Published &shown = published[suffix];
      switch (name[0]) {
        case 'V':
          shown.voltage = value;
          break;
        case 'C':
          shown.current = value;
          break;
        case 'P':
          shown.power = value;
          break;
        case 'E':
          shown.energy = value;
          break;
        default:
          // The stock driver publishes the frequency last.
          shown.frequency = value;
          judge(suffix);
      }
    });
  }
}

void add_chip(const std::string &text) {
  char name[16], wire[16], more[16] = "";
  unsigned address, baud;
  if (sscanf(text.c_str(), "%15[^:]:%15[^:]:%u:%u:%15s", name, wire, &address, &baud, more) < 4)
    exit(2);
  Chip &chip = world.add_chip(name, wire);
  chip.address = uint8_t(address);
  chip.strap_baud = baud;
  chip.relock = strcmp(more, "relock") == 0;
  chip.clock_error = chip.index % 2 ? -0.01 : 0.01;
}

void add_fault(const std::string &text) {
  const size_t at = text.find('=');
  for (size_t i = 0; i < size_t(Fault::COUNT); i++) {
    if (text.substr(0, at) == bench::FAULT_NAMES[i])
      world.rates[i] = std::stod(text.substr(at + 1));
  }
}

Options parse(int argc, char **argv) {
  Options options;
  uint32_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i], value = argv[i + 1];
    if (key == "--report")
      options.report = value;
    else if (key == "--hours")
      options.hours = std::stod(value);
    else if (key == "--seed")
      seed = uint32_t(std::stoul(value));
    else if (key == "--chip")
      add_chip(value);
    else if (key == "--fault")
      add_fault(value);
    else if (key == "--faults-until")
      options.faults_until_s = std::stod(value);
    else if (key == "--answering-at-start")
      options.answering_at_start = value == "yes";
    else
      exit(2);
  }
  world.rng.seed(seed);
  for (auto &chip : world.chips) {
    chip->seed = seed;
    chip->power_up(0);
    chip->resets = 0;
    chip->receiver.bit_ns = chip->bit_ns();
    chip->set_pulses(100000.0 * chip->index + 500);
  }
  return options;
}

void write_report(const Options &options, double wall_free_s) {
  FILE *out = fopen(options.report.c_str(), "w");
  if (out == nullptr)
    exit(2);
  fprintf(out, "{\"simulated_s\": %.1f, \"requests\": %u, \"overlaps\": %u,\n \"clamps\": {", wall_free_s,
          world.requests, world.overlaps);
  const char *comma = "";
  for (const auto &[name, v] : verdicts) {
    fprintf(out,
            "%s\n  \"%s\": {\"right\": %u, \"stale\": %u, \"wrong_chip\": %u, \"damaged\": %u, \"longest_gap_s\": "
            "%.3f, \"last_s\": %.3f}",
            comma, name.c_str(), v.right, v.stale, v.wrong_chip, v.damaged, double(v.longest_gap) / S,
            double(v.last) / S);
    comma = ",";
  }
  fprintf(out, "},\n \"chips\": {");
  comma = "";
  for (const auto &chip : world.chips) {
    fprintf(out, "%s\n  \"%s\": {\"resets\": %u, \"mode\": %u, \"tag\": %u, \"locked\": %s}", comma, chip->name.c_str(),
            chip->resets, chip->word(0x19), chip->word(0x15), chip->word(0x1D) == 0x55 ? "false" : "true");
    comma = ",";
  }
  fprintf(out, "},\n \"faults\": {");
  comma = "";
  for (size_t i = 0; i < size_t(Fault::COUNT); i++) {
    if (world.happened[i] > 0) {
      fprintf(out, "%s\"%s\": %u", comma, bench::FAULT_NAMES[i], world.happened[i]);
      comma = ", ";
    }
  }
  fprintf(out, "}}\n");
  fclose(out);
}

}  // namespace

int main(int argc, char **argv) {
  esphome::host::setup_preferences();
  const Options options = parse(argc, argv);
  if (options.answering_at_start)
    world.answer_unasked(*world.chips[0]);
  setup();
  watch_sensors();
  const Ns end = Ns(options.hours * 3600 * S);
  const Ns from = Ns(options.faults_after_s * S);
  bool faults_on = false;
  while (world.now < end) {
    if (!faults_on && world.now >= from) {
      faults_on = true;
      world.throw_faults();
    }
    if (double(world.now) / S > options.faults_until_s)
      world.rates.fill(0);
    loop();
    if (world.rates[size_t(Fault::BLOCKED_LOOP)] > 0 && world.roll(Fault::BLOCKED_LOOP))
      world.tick(std::uniform_int_distribution<Ns>(20, 400)(world.rng) * MS);
  }
  write_report(options, double(world.now) / S);
  return 0;
}
