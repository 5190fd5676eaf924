#include "minidocker/cgroups/device_program.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace minidocker::cgroups {
namespace {

// Registers. The kernel calls with 1 pointing to a bpf_cgroup_dev_ctx and takes 0 as the answer.
enum Register : std::uint8_t {
  kAnswer = BPF_REG_0,
  kContext = BPF_REG_1,
  kType = BPF_REG_2,
  kUndecided = BPF_REG_3,  // access bits that no later rule has decided
  kMajor = BPF_REG_4,
  kMinor = BPF_REG_5,
  kScratch = BPF_REG_6,
};

constexpr std::int32_t kDeny = 0;
constexpr std::int32_t kAllow = 1;

/// Collects instructions; jumps to the end of a rule are patched when that end is known.
class Assembler {
 public:
  void load(std::uint8_t to, std::size_t offset) {
    emit(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<std::int16_t>(offset), 0);
  }
  void set(std::uint8_t to, std::int32_t value) {
    emit(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
  }
  void copy(std::uint8_t to, std::uint8_t from) {
    emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
  }
  void keep_bits(std::uint8_t to, std::uint32_t mask) {
    emit(BPF_ALU | BPF_AND | BPF_K, to, 0, 0, static_cast<std::int32_t>(mask));
  }
  void shift_right(std::uint8_t to, std::int32_t bits) {
    emit(BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, bits);
  }
  void skip_rule_if_not(std::uint8_t reg, std::uint32_t value) {
    skip_rule(BPF_JMP32 | BPF_JNE | BPF_K, reg, value);
  }
  void skip_rule_if(std::uint8_t reg, std::uint32_t value) {
    skip_rule(BPF_JMP32 | BPF_JEQ | BPF_K, reg, value);
  }
  void answer(std::int32_t verdict) {
    set(kAnswer, verdict);
    emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  void end_rule() {
    for (const std::size_t jump : jumps_) {
      code_[jump].off = static_cast<std::int16_t>(code_.size() - jump - 1);
    }
    jumps_.clear();
  }
  std::vector<struct bpf_insn> take() { return std::move(code_); }

 private:
  void emit(int code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::int32_t value) {
    struct bpf_insn instruction{};
    instruction.code = static_cast<std::uint8_t>(code);
    instruction.dst_reg = to & 0xF;
    instruction.src_reg = from & 0xF;
    instruction.off = offset;
    instruction.imm = value;
    code_.push_back(instruction);
  }
  void skip_rule(int code, std::uint8_t reg, std::uint32_t value) {
    jumps_.push_back(code_.size());
    emit(code, reg, 0, 0, static_cast<std::int32_t>(value));
  }

  std::vector<struct bpf_insn> code_;
  std::vector<std::size_t> jumps_;
};

/// access_type holds the access in its upper half and the type in its lower.
void load_request(Assembler& program) {
  program.load(kType, offsetof(struct bpf_cgroup_dev_ctx, access_type));
  program.copy(kUndecided, kType);
  program.shift_right(kUndecided, 16);
  program.keep_bits(kType, 0xFFFF);
  program.load(kMajor, offsetof(struct bpf_cgroup_dev_ctx, major));
  program.load(kMinor, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

bool speaks_of_all(const DeviceRule& rule) {
  return rule.type == DeviceType::any && !rule.major && !rule.minor;
}

void skip_other_devices(Assembler& program, const DeviceRule& rule) {
  if (rule.type != DeviceType::any) {
    program.skip_rule_if_not(
        kType, rule.type == DeviceType::block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  }
  if (rule.major) program.skip_rule_if_not(kMajor, *rule.major);
  if (rule.minor) program.skip_rule_if_not(kMinor, *rule.minor);
}

/// One bit the rule denies is enough; all bits must have been allowed by some rule.
void decide(Assembler& program, const DeviceRule& rule) {
  if (rule.verdict == Verdict::deny) {
    if (rule.access != kAnyAccess) {
      program.copy(kScratch, kUndecided);
      program.keep_bits(kScratch, rule.access);
      program.skip_rule_if(kScratch, 0);
    }
    program.answer(kDeny);
  } else {
    if (rule.access != kAnyAccess) {
      program.keep_bits(kUndecided, kAnyAccess & ~rule.access);
      program.skip_rule_if_not(kUndecided, 0);
    }
    program.answer(kAllow);
  }
}

}  // namespace

std::vector<struct bpf_insn> compile_devices(const std::vector<DeviceRule>& rules) {
  Assembler program;
  load_request(program);
  // The last rule that speaks of something holds, so the last one is asked first.
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if (rule->access == 0) continue;
    skip_other_devices(program, *rule);
    decide(program, *rule);
    program.end_rule();
    // Nothing gets past a rule about everything, and the verifier refuses code nobody reaches.
    if (speaks_of_all(*rule) && rule->access == kAnyAccess) return program.take();
  }
  program.answer(kAllow);
  return program.take();
}

}  // namespace minidocker::cgroups
