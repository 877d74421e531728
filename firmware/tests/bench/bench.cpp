#include "bench.h"

#include <algorithm>
#include <cmath>

namespace bench {

Bench world;

static const char *const TX1 = "TX1";
static const Ns TURN = 120 * MS;
// Owners of drivers on a wire that are none of the chips.
static int controller, disturber, neighbour, sagger;

Chip &Bench::add_chip(const std::string &name, const std::string &wire) {
  this->chips.push_back(std::make_unique<Chip>());
  Chip &chip = *this->chips.back();
  chip.name = name;
  chip.index = uint32_t(this->chips.size() - 1);
  chip.receiver.wires = {&this->wire_(wire)};
  chip.receiver.on_byte = [&chip](Heard heard) { chip.hear(heard); };
  chip.receiver.on_break = [&chip]() { chip.hear_break(); };
  chip.on_reply = [this](Chip &from, Ns start, std::vector<uint8_t> data) {
    this->on_reply_(from, start, std::move(data));
  };
  this->listeners_[wire].push_back(&chip);
  this->wire_(TX1);
  return chip;
}

bool Bench::roll(Fault fault) {
  const double rate = this->rates[size_t(fault)];
  if (!this->faults_on_ || rate == 0 || std::uniform_real_distribution<>(0, 1)(this->rng) >= rate)
    return false;
  this->happened[size_t(fault)]++;
  this->recent.emplace_back(this->now, fault);
  if (this->recent.size() > 8)
    this->recent.pop_front();
  return true;
}

Ns Bench::later_(Ns most) { return this->now + std::uniform_int_distribution<Ns>(0, most)(this->rng); }

// --- the clock ---------------------------------------------------------------------------------

void Bench::at(Ns when, std::function<void()> act) {
  this->events_.push({when, this->order_++, std::move(act)});
  this->next_event_ = std::min(this->next_event_, when);
}

void Bench::advance(Ns to) {
  while (this->next_event_ <= to) {
    this->now = std::max(this->now, this->next_event_);
    while (!this->events_.empty() && this->events_.top().when <= this->now) {
      auto act = this->events_.top().act;
      this->events_.pop();
      act();
    }
    this->run_chips_();
  }
  this->now = to;
}

void Bench::run_chips_() {
  Ns next = this->events_.empty() ? NEVER : this->events_.top().when;
  for (auto &chip : this->chips) {
    if (chip->receiver.next_event() <= this->now)
      chip->receiver.run(this->now);
    next = std::min(next, chip->receiver.next_event());
  }
  next = std::min(next, this->events_.empty() ? NEVER : this->events_.top().when);
  this->next_event_ = std::max(next, this->now + 1);
  this->tidy_();
}

void Bench::tidy_() {
  if (this->now - this->tidied_ < S)
    return;
  this->tidied_ = this->now;
  // Nothing looks back further than the longest stay of the firmware outside of its receiver.
  const Ns old = this->now - 5 * S;
  this->receive_.forget_before(old);
  for (auto &entry : this->wires_)
    entry.second.forget_before(old);
}

uint32_t Bench::micros() {
  Ns step = US;
  if (this->preempt_ && std::uniform_int_distribution<>(0, 2000)(this->rng) == 0) {
    this->preempt_ = false;
    step = std::uniform_int_distribution<Ns>(20, 3000)(this->rng) * US;
  }
  this->tick(step);
  return uint32_t(uint64_t(this->now / US));
}

// --- the controller's end ----------------------------------------------------------------------

void Bench::wake_(const std::string &wire, Ns at) {
  for (Chip *chip : this->listeners_[wire])
    chip->receiver.wake(at);
  this->next_event_ = std::min(this->next_event_, std::max(at, this->now));
}

void Bench::drive_(const std::string &wire, const void *owner, const std::vector<uint8_t> &data, double baud) {
  this->wire_(wire).driver(owner).send(this->now, data, 1e9 / baud);
  this->wake_(wire, this->now);
}

void Bench::uart_send(const uint8_t *data, size_t size) {
  const Ns start = std::max(this->now, this->sent_until_);
  this->advance(start);
  if (size > 1)
    this->on_request_(TX1);
  const std::vector<uint8_t> bytes(data, data + size);
  this->sent_until_ = this->wire_(TX1).driver(&controller).send(start, bytes, 1e9 / this->baud_);
  this->wake_(TX1, start);
  if (this->now < this->crosstalk_until_) {
    for (auto &entry : this->listeners_) {
      if (entry.first != TX1)
        this->drive_(entry.first, &neighbour, bytes, this->baud_);
    }
  }
}

void Bench::uart_flush() {
  if (this->sent_until_ > this->now)
    this->advance(this->sent_until_);
}

void Bench::set_baud(uint32_t baud) {
  if (baud == this->baud_ && !this->host_.wires.empty())
    return;
  this->available();
  this->baud_ = baud;
  this->host_.wires = {&this->receive_};
  this->host_.bit_ns = 1e9 / baud;
  this->host_.on_byte = [this](Heard heard) {
    // A driver with a latency timer delivers in blocks.
    if (heard.at < this->hold_until_)
      heard.at = (heard.at / (16 * MS) + 1) * 16 * MS;
    this->inbox_.push_back(heard);
  };
  this->host_.restart(this->now);
}

size_t Bench::available() {
  if (this->host_.wires.empty())
    return 0;
  this->host_.run(this->now);
  while (this->inbox_.size() > 256)
    this->inbox_.pop_back();
  size_t count = 0;
  while (count < this->inbox_.size() && this->inbox_[count].at <= this->now)
    count++;
  return count;
}

bool Bench::peek(uint8_t *value) {
  if (this->available() == 0)
    return false;
  *value = this->inbox_.front().value;
  return true;
}

bool Bench::read(uint8_t *value) {
  if (!this->peek(value))
    return false;
  this->inbox_.pop_front();
  return true;
}

void Bench::pin_write(unsigned pin, bool level) {
  const std::string wire = "P" + std::to_string(pin);
  Driver &driver = this->wire_(wire).driver(&controller);
  if (!level && driver.idle_after(this->now - 5 * MS))
    this->on_request_(wire);
  driver.set(this->now, level);
  this->wake_(wire, this->now);
  if (this->now >= this->crosstalk_until_)
    return;
  for (auto &entry : this->listeners_) {
    if (entry.first != wire) {
      this->wire_(entry.first).driver(&neighbour).set(this->now, level);
      this->wake_(entry.first, this->now);
    }
  }
}

// --- answers -----------------------------------------------------------------------------------

bool Bench::take_reply_fault_(Fault fault) {
  const bool set = this->reply_faults_[size_t(fault)];
  this->reply_faults_[size_t(fault)] = false;
  return set;
}

void Bench::on_reply_(Chip &chip, Ns start, std::vector<uint8_t> data) {
  const size_t where = std::uniform_int_distribution<size_t>(0, data.size() - 1)(this->rng);
  bool faulty = this->faults_on_;
  if (this->take_reply_fault_(Fault::LATE_ANSWER))
    start += std::uniform_int_distribution<Ns>(4, 200)(this->rng) * MS;
  if (this->take_reply_fault_(Fault::FLIPPED_BIT))
    data[where] ^= 1 << (this->rng() % 8);
  if (this->take_reply_fault_(Fault::LOST_BYTE))
    data.erase(data.begin() + where);
  if (this->take_reply_fault_(Fault::BROKEN_OFF))
    data.resize(where);
  if (this->take_reply_fault_(Fault::NO_ANSWER))
    data.clear();
  if (this->take_reply_fault_(Fault::BROWN_OUT)) {
    data.resize(where);
    const Ns fails = start + std::llround(double(where) * 10 * chip.bit_ns());
    this->at(fails, [this, &chip]() {
      chip.power_up(this->now);
      chip.receiver.bit_ns = chip.bit_ns();
      chip.off_until = this->later_(2 * S) + 10 * MS;
    });
  }
  if (data.empty())
    return;
  if (!faulty && start < this->answered_until_)
    this->overlaps++;
  if (this->sagging_) {
    this->receive_.driver(&sagger).set(start - std::llround(0.5 * chip.bit_ns()), true);
    this->sagging_ = false;
  }
  const Ns end = this->receive_.driver(&chip).send(start, data, chip.bit_ns());
  this->answered_until_ = std::max(this->answered_until_, end);
  if (this->take_reply_fault_(Fault::SAGGING_LINE)) {
    this->sagging_ = true;
    this->at(end + 3 * MS, [this]() {
      if (this->sagging_)
        this->receive_.driver(&sagger).set(this->now, false);
    });
  }
}

void Bench::answer_unasked(Chip &chip) {
  const std::vector<uint8_t> data = chip.packet_bytes(this->now);
  this->receive_.driver(&chip).send(this->now, data, chip.bit_ns());
}

// --- faults ------------------------------------------------------------------------------------

/// The controller begins to send a request.
void Bench::on_request_(const std::string &wire) {
  if (this->now - this->last_request_ < 5 * MS)
    return;
  this->last_request_ = this->now;
  this->requests++;
  this->reply_faults_.fill(false);
  for (size_t fault = 0; fault < size_t(Fault::COUNT); fault++) {
    if (Fault(fault) != Fault::BLOCKED_LOOP && this->roll(Fault(fault)))
      this->befall_(Fault(fault), wire);
  }
}

void Bench::befall_(Fault fault, const std::string &wire) {
  switch (fault) {
    case Fault::CROSSTALK:
      this->crosstalk_until_ = this->now + 15 * MS;
      this->at(this->crosstalk_until_ + MS, [this]() {
        for (auto &entry : this->wires_)
          entry.second.driver(&neighbour).set(this->now, true);
      });
      break;
    case Fault::HELD_BACK:
      this->hold_until_ = this->now + S;
      break;
    case Fault::HUNG_CHIP:
      for (Chip *chip : this->listeners_[wire])
        chip->hung = true;
      break;
    case Fault::DAMAGED_REQUEST: {
      const Ns when = this->later_(4 * MS);
      this->at(when, [this, wire]() {
        this->wire_(wire).driver(&disturber).low(this->now, this->now + 208 * US);
        this->wake_(wire, this->now);
      });
      break;
    }
    case Fault::PREEMPTED:
      this->preempt_ = true;
      break;
    case Fault::SECOND_POLLER:
    case Fault::ANSWER_UNASKED:
    case Fault::STUCK_LOW:
    case Fault::NOISE:
    case Fault::FOREIGN_SPEED:
    case Fault::LOG_OUTPUT:
      this->at(this->later_(TURN), [this, fault, wire]() { this->disturb_line_(fault, wire); });
      break;
    default:
      this->reply_faults_[size_t(fault)] = true;
  }
}

void Bench::disturb_line_(Fault fault, const std::string &wire) {
  switch (fault) {
    case Fault::SECOND_POLLER:
      this->second_poller_();
      break;
    case Fault::ANSWER_UNASKED:
      this->answer_unasked(*this->chips[this->rng() % this->chips.size()]);
      break;
    case Fault::STUCK_LOW: {
      const Ns longest = this->rng() % 20 == 0 ? 30 * S : S;
      this->receive_.driver(&disturber).low(this->now, this->later_(longest) + 5 * MS);
      break;
    }
    case Fault::NOISE: {
      static const uint8_t JUNK[] = {0x55, 0x00, 0xAA, 0x37};
      std::vector<uint8_t> data(1 + this->rng() % 3);
      for (auto &value : data)
        value = JUNK[this->rng() % 4];
      this->receive_.driver(&disturber).send(this->now, data, 1e9 / this->baud_);
      break;
    }
    case Fault::FOREIGN_SPEED: {
      std::vector<uint8_t> data(1 + this->rng() % 40);
      for (auto &value : data)
        value = uint8_t(this->rng());
      this->drive_(wire, &disturber, data, 115200);
      break;
    }
    default: {
      const std::string text = "Info:MAIN:Time 42, idle 0/s\r\n";
      this->drive_(wire, &disturber, {text.begin(), text.end()}, this->baud_);
    }
  }
}

void Bench::second_poller_() {
  Chip &chip = *this->chips[this->rng() % this->chips.size()];
  for (auto &entry : this->listeners_) {
    if (std::find(entry.second.begin(), entry.second.end(), &chip) != entry.second.end())
      this->drive_(entry.first, &disturber, {uint8_t(0x58 + chip.address), 0xAA}, chip.baud());
  }
}

}  // namespace bench
