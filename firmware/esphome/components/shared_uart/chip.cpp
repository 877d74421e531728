#include "chip.h"

namespace esphome::shared_uart {

static const uint8_t ATTEMPTS = 3;
// Pulses in 16 s at 1.2 times the power that the inputs take at full scale, rounded up.
static const uint64_t MOST_PULSES_PER_16_S = 230;
static const uint32_t SPARE_PULSES = 2;

bool Chip::meet(uint8_t address) {
  if (!this->known_) {
    this->known_ = true;
    this->address_ = address;
    if (this->tag_ != 0)
      this->remember_(REG_I_FAST_RMS_TH, this->tag_);
  }
  return address == this->address_;
}

void Chip::learn(const Request &write) {
  if (!is_intact_write(write))
    return;
  if (write.reg() == REG_SOFT_RESET)
    this->counted_.valid = this->suspect_.valid = false;
  const uint32_t mask = register_mask(write.reg());
  if (mask == 0)
    return;
  this->remember_(write.reg(), write.word() & mask);
  this->written_ = false;
  this->ready_ = false;
}

void Chip::remember_(uint8_t reg, uint32_t value) {
  // A tag stays a tag: it tells the chips apart, and no driver needs this register.
  if (reg == REG_I_FAST_RMS_TH && this->tag_ != 0)
    value = this->tag_;
  for (uint8_t i = 0; i < this->setting_count_; i++) {
    if (this->settings_[i].reg == reg) {
      this->settings_[i].value = value;
      return;
    }
  }
  if (this->setting_count_ < MAX_SETTINGS)
    this->settings_[this->setting_count_++] = {reg, value};
}

const Chip::Setting *Chip::setting_(uint8_t reg) const {
  for (uint8_t i = 0; i < this->setting_count_; i++) {
    if (this->settings_[i].reg == reg)
      return &this->settings_[i];
  }
  return nullptr;
}

// --- proof -------------------------------------------------------------------------------------

void Chip::begin_proof() {
  // The first time since the controller started nothing is known of what the chip holds.
  this->stage_ = this->written_ ? Stage::CHECK : Stage::UNLOCK;
  this->index_ = this->tries_ = this->rounds_ = 0;
  this->doubtful_ = this->restarted_ = this->wrote_ = false;
  this->proof_loss_ = Loss::NONE;
  this->foreign_tag_ = 0;
}

Request Chip::proof_request() const {
  switch (this->stage_) {
    case Stage::UNLOCK:
      return make_write(this->address_, REG_USR_WRPROT, UNLOCK_KEY);
    case Stage::LOCK:
      return make_write(this->address_, REG_USR_WRPROT, LOCK_KEY);
    case Stage::WRITE:
      return make_write(this->address_, this->settings_[this->index_].reg, this->settings_[this->index_].value);
    case Stage::CHECK:
    case Stage::IDLE:
      break;
  }
  return make_read(this->address_, this->settings_[this->index_].reg);
}

Outcome Chip::take_proof(Loss loss, const uint8_t *answer) {
  switch (this->stage_) {
    case Stage::UNLOCK:
      this->stage_ = Stage::WRITE;
      this->index_ = 0;
      break;
    case Stage::WRITE:
      if (++this->index_ == this->setting_count_)
        this->stage_ = Stage::LOCK;
      break;
    case Stage::LOCK:
      this->stage_ = Stage::CHECK;
      this->written_ = this->wrote_ = true;
      this->index_ = this->tries_ = 0;
      this->doubtful_ = false;
      break;
    case Stage::CHECK:
      if (loss == Loss::NONE)
        return this->take_check_(word_at(answer));
      if (++this->tries_ >= ATTEMPTS)
        return this->fail_proof_(loss);
      break;
    case Stage::IDLE:
      break;
  }
  return Outcome::GOING;
}

Outcome Chip::take_check_(uint32_t value) {
  const Setting &setting = this->settings_[this->index_];
  value &= register_mask(setting.reg);
  if (value != setting.value)
    return this->differs_(setting, value);
  this->doubtful_ = false;
  this->tries_ = 0;
  return ++this->index_ == this->setting_count_ ? this->finish_proof_() : Outcome::GOING;
}

/// A difference counts only if it is seen twice: a sum of one byte lets one damaged answer in 256 pass.
Outcome Chip::differs_(const Setting &setting, uint32_t value) {
  if (!this->doubtful_ || value != this->found_) {
    this->doubtful_ = true;
    this->found_ = value;
    return ++this->tries_ > ATTEMPTS ? this->fail_proof_(Loss::BAD_SUM) : Outcome::GOING;
  }
  if (setting.reg == REG_I_FAST_RMS_TH && value >= this->lowest_tag_ && value <= FIRST_TAG) {
    this->foreign_tag_ = value;
    return this->fail_proof_(Loss::OTHER_CHIP);
  }
  if (++this->rounds_ > ATTEMPTS)
    return this->fail_proof_(Loss::UNCHANGED);
  this->restarted_ = this->was_ready_;
  this->stage_ = Stage::UNLOCK;
  return Outcome::GOING;
}

Outcome Chip::fail_proof_(Loss loss) {
  this->stage_ = Stage::IDLE;
  this->proof_loss_ = loss;
  this->ready_ = false;
  return Outcome::FAILED;
}

Outcome Chip::finish_proof_() {
  this->stage_ = Stage::IDLE;
  // A driver may have written something new in the meantime.
  this->ready_ = this->written_;
  this->was_ready_ = true;
  if (this->restarted_)
    this->counted_.valid = this->suspect_.valid = false;
  return Outcome::GOOD;
}

// --- the energy counter ------------------------------------------------------------------------

/** Dropped where no load can have moved the counter so far: it is another chip's packet, or the chip restarted.
 *
 * Where the next packet goes on from there, the counter did begin anew.
 */
bool Chip::continues(uint32_t count, uint32_t now_ms) {
  const Setting *mode = this->setting_(REG_MODE);
  const bool cleared_by_reading = mode != nullptr && (mode->value & MODE_CLEAR_ON_READ) != 0;
  if (cleared_by_reading || !this->counted_.valid || this->step_possible_(this->counted_, count, now_ms) ||
      (this->suspect_.valid && this->step_possible_(this->suspect_, count, now_ms))) {
    this->counted_ = {count, now_ms, true};
    this->suspect_.valid = false;
    return true;
  }
  this->suspect_ = {count, now_ms, true};
  this->ready_ = false;
  return false;
}

bool Chip::step_possible_(const Mark &earlier, uint32_t count, uint32_t now_ms) const {
  const uint64_t most = MOST_PULSES_PER_16_S * (now_ms - earlier.at_ms) / 16000 + SPARE_PULSES;
  const uint32_t up = (count - earlier.count) & COUNTER_MASK;
  const uint32_t down = (earlier.count - count) & COUNTER_MASK;
  const Setting *mode = this->setting_(REG_MODE);
  const bool absolute = mode != nullptr && (mode->value & MODE_COUNT_ABSOLUTE) != 0;
  return up <= most || (!absolute && down <= most);
}

}  // namespace esphome::shared_uart
