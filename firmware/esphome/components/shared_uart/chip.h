#pragma once

#include "line.h"
#include "words.h"

namespace esphome::shared_uart {

// The tag of the first channel; after a reset the register reads 0xFFFF.
inline constexpr uint32_t FIRST_TAG = 0xFFFE;

enum class Outcome : uint8_t { GOING, GOOD, FAILED };

/** What a channel knows of the chip behind it.
 *
 * The values its driver wrote are remembered, together with a tag of its own in I_FAST_RMS_TH. They are proven by
 * reading them back: after a start, a loss of contact, a jump of the energy counter, and every few minutes. Reset
 * values say that the chip restarted, and everything is written again; the tag of a neighbour says that the answers
 * come from another chip.
 */
class Chip {
 public:
  void set_tag(uint32_t tag) { this->tag_ = tag; }
  uint32_t tag() const { return this->tag_; }

  bool known() const { return this->known_; }
  uint8_t address() const { return this->address_; }
  /// Learn the address from the driver's first request; false where it speaks to two chips.
  bool meet(uint8_t address);
  /// Remember what the driver wrote.
  void learn(const Request &write);

  /// Proven, or without anything that could be.
  bool ready() const { return this->ready_ || this->setting_count_ == 0; }
  void doubt() { this->ready_ = false; }
  bool has_settings() const { return this->setting_count_ > 0; }
  bool proving() const { return this->stage_ != Stage::IDLE; }
  void begin_proof();
  Request proof_request() const;
  Outcome take_proof(Loss loss, const uint8_t *answer);
  /// Why the last proof failed, and the tag that was read in place of its own.
  Loss proof_loss() const { return this->proof_loss_; }
  uint32_t foreign_tag() const { return this->foreign_tag_; }
  void set_foreign_tags(uint32_t lowest) { this->lowest_tag_ = lowest; }
  bool restarted() const { return this->restarted_; }
  /// Whether the last proof had to write.
  bool wrote() const { return this->wrote_; }
  /// Let the next proof write everything, whatever it finds.
  void write_again() { this->written_ = false; }

  /// Whether the energy counter went on from where it was.
  bool continues(uint32_t count, uint32_t now_ms);

 protected:
  static constexpr uint8_t MAX_SETTINGS = 10;
  enum class Stage : uint8_t { IDLE, CHECK, UNLOCK, WRITE, LOCK };
  struct Setting {
    uint8_t reg;
    uint32_t value;
  };
  struct Mark {
    uint32_t count;
    uint32_t at_ms;
    bool valid;
  };

  void remember_(uint8_t reg, uint32_t value);
  const Setting *setting_(uint8_t reg) const;
  Outcome take_check_(uint32_t value);
  Outcome differs_(const Setting &setting, uint32_t value);
  Outcome fail_proof_(Loss loss);
  Outcome finish_proof_();
  bool step_possible_(const Mark &earlier, uint32_t count, uint32_t now_ms) const;

  Setting settings_[MAX_SETTINGS];
  uint8_t setting_count_{0};
  uint32_t tag_{0};
  uint32_t lowest_tag_{FIRST_TAG};
  uint8_t address_{0};
  bool known_{false};
  bool ready_{false};
  bool written_{false};
  bool was_ready_{false};
  bool wrote_{false};

  Stage stage_{Stage::IDLE};
  uint8_t index_{0};
  uint8_t tries_{0};
  uint8_t rounds_{0};
  bool doubtful_{false};
  bool restarted_{false};
  uint32_t found_{0};
  uint32_t foreign_tag_{0};
  Loss proof_loss_{Loss::NONE};

  Mark counted_{};
  Mark suspect_{};
};

}  // namespace esphome::shared_uart
