#include "wire.h"

#include <algorithm>
#include <cmath>

namespace bench {

static const int BREAK_BITS = 32;

std::deque<Driver::Edge>::const_iterator Driver::first_after_(Ns at) const {
  return std::upper_bound(this->edges_.begin(), this->edges_.end(), at,
                          [](Ns moment, const Edge &edge) { return moment < edge.at; });
}

void Driver::set(Ns at, bool level) {
  // A new deed of the same output takes the place of what it meant to do after that moment.
  while (!this->edges_.empty() && this->edges_.back().at >= at)
    this->edges_.pop_back();
  if ((this->edges_.empty() || this->edges_.back().level) != level)
    this->edges_.push_back({at, level});
}

Ns Driver::send(Ns start, const std::vector<uint8_t> &data, double bit_ns) {
  int64_t bit = 0;
  for (uint8_t value : data) {
    const uint32_t frame = (uint32_t(value) << 1) | (1U << 9);
    for (int i = 0; i < 10; i++, bit++)
      this->set(start + std::llround(bit * bit_ns), (frame >> i) & 1);
  }
  return start + std::llround(bit * bit_ns);
}

void Driver::low(Ns start, Ns end) {
  this->set(start, false);
  this->set(end, true);
}

bool Driver::level(Ns at) const {
  auto after = this->first_after_(at);
  return after == this->edges_.begin() || std::prev(after)->level;
}

Ns Driver::next_edge(Ns from, bool rising) const {
  for (auto edge = this->first_after_(from - 1); edge != this->edges_.end(); ++edge) {
    if (edge->level == rising)
      return edge->at;
  }
  return NEVER;
}

void Driver::forget_before(Ns at) {
  while (this->edges_.size() > 1 && this->edges_[1].at < at)
    this->edges_.pop_front();
  if (this->edges_.size() == 1 && this->edges_.front().at < at && this->edges_.front().level)
    this->edges_.pop_front();
}

bool Wire::level(Ns at) const {
  return std::all_of(this->drivers_.begin(), this->drivers_.end(),
                     [at](const auto &entry) { return entry.second.level(at); });
}

Ns Wire::next_fall(Ns from) const {
  Ns first = NEVER;
  for (const auto &entry : this->drivers_)
    first = std::min(first, entry.second.next_edge(from, false));
  return first;
}

Ns Wire::next_rise(Ns from) const {
  Ns first = NEVER;
  for (const auto &entry : this->drivers_)
    first = std::min(first, entry.second.next_edge(from, true));
  return first;
}

void Wire::forget_before(Ns at) {
  for (auto &entry : this->drivers_)
    entry.second.forget_before(at);
}

bool Receiver::level_(Ns at) const {
  return std::all_of(this->wires.begin(), this->wires.end(), [at](const Wire *wire) { return wire->level(at); });
}

/// The first moment at which the joined level falls.
Ns Receiver::next_fall_(Ns from) const {
  while (true) {
    Ns fall = NEVER;
    for (const Wire *wire : this->wires)
      fall = std::min(fall, wire->next_fall(from));
    if (fall == NEVER || (this->level_(fall - 1) && !this->level_(fall)))
      return fall;
    from = fall + 1;
  }
}

Ns Receiver::next_rise_(Ns from) const {
  while (true) {
    Ns rise = NEVER;
    for (const Wire *wire : this->wires)
      rise = std::min(rise, wire->next_rise(from));
    if (rise == NEVER || this->level_(rise))
      return rise;
    from = rise + 1;
  }
}

void Receiver::restart(Ns at) {
  this->free_from_ = std::max(this->free_from_, at);
  this->low_since_ = NEVER;
  this->wake(at);
}

/// Whether a line that stayed low has been dealt with.
bool Receiver::follow_break_(Ns now) {
  if (this->low_since_ == NEVER)
    return true;
  const Ns rise = this->next_rise_(this->low_since_);
  if (rise == NEVER || rise > now) {
    this->next_event_ = rise == NEVER ? now + MS : rise;
    return false;
  }
  if (rise - this->low_since_ > BREAK_BITS * this->bit_ns && this->on_break)
    this->on_break();
  this->free_from_ = std::max(this->free_from_, rise);
  this->low_since_ = NEVER;
  return true;
}

void Receiver::run(Ns now) {
  this->next_event_ = NEVER;
  while (this->follow_break_(now)) {
    const Ns fall = this->next_fall_(this->free_from_);
    if (fall == NEVER)
      return;
    const Ns done = fall + std::llround(9.5 * this->bit_ns);
    if (done > now) {
      this->next_event_ = done;
      return;
    }
    if (this->level_(fall + std::llround(0.5 * this->bit_ns))) {
      this->free_from_ = fall + std::llround(0.5 * this->bit_ns);
      continue;
    }
    uint8_t value = 0;
    for (int bit = 0; bit < 8; bit++)
      value |= this->level_(fall + std::llround((1.5 + bit) * this->bit_ns)) << bit;
    this->free_from_ = done;
    if (!this->level_(done) && value == 0)
      this->low_since_ = fall;
    // A framing error is not reported, as the drivers of the usual systems do not report it either.
    this->on_byte({value, fall + std::llround(10 * this->bit_ns)});
  }
}

}  // namespace bench
