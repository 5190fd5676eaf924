#include "minidocker/cgroups/device_program.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace minidocker::cgroups {
namespace {

struct Request {
  DeviceType type;
  std::uint32_t major;
  std::uint32_t minor;
  std::uint32_t access;
};

/// The few instructions our programs consist of, run as the kernel would.
class Interpreter {
 public:
  explicit Interpreter(const std::vector<struct bpf_insn>& code) : code_(code) {}

  std::uint64_t run(const Request& request) {
    const std::uint32_t type =
        request.type == DeviceType::block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    const std::array<std::uint32_t, 3> context{request.access << 16 | type, request.major,
                                               request.minor};
    std::array<std::uint64_t, 11> reg{};
    for (std::size_t at = 0; at < code_.size(); ++at) {
      const struct bpf_insn& in = code_[at];
      const auto value = static_cast<std::uint32_t>(in.imm);
      std::uint64_t& to = reg[in.dst_reg];
      switch (in.code) {
        case BPF_LDX | BPF_MEM | BPF_W:
          to = context.at(static_cast<std::size_t>(in.off) / 4);
          break;
        case BPF_ALU64 | BPF_MOV | BPF_K:
          to = value;
          break;
        case BPF_ALU64 | BPF_MOV | BPF_X:
          to = reg[in.src_reg];
          break;
        case BPF_ALU64 | BPF_RSH | BPF_K:
          to >>= value;
          break;
        case BPF_ALU | BPF_AND | BPF_K:
          to = static_cast<std::uint32_t>(to) & value;
          break;
        case BPF_JMP32 | BPF_JNE | BPF_K:
          if (static_cast<std::uint32_t>(to) != value) at += static_cast<std::size_t>(in.off);
          break;
        case BPF_JMP32 | BPF_JEQ | BPF_K:
          if (static_cast<std::uint32_t>(to) == value) at += static_cast<std::size_t>(in.off);
          break;
        case BPF_JMP | BPF_EXIT:
          return reg[0];
        default:
          ADD_FAILURE() << "unknown instruction " << int{in.code};
          return ~0ULL;
      }
    }
    ADD_FAILURE() << "ran off the end";
    return ~0ULL;
  }

 private:
  const std::vector<struct bpf_insn>& code_;
};

/// The kernel's verifier refuses code that no path reaches.
bool all_reachable(const std::vector<struct bpf_insn>& code) {
  std::set<std::size_t> seen;
  std::vector<std::size_t> todo{0};
  while (!todo.empty()) {
    const std::size_t at = todo.back();
    todo.pop_back();
    if (at >= code.size()) return false;
    if (!seen.insert(at).second || code[at].code == (BPF_JMP | BPF_EXIT)) continue;
    todo.push_back(at + 1);
    if ((code[at].code & 7) == BPF_JMP32) {
      todo.push_back(at + 1 + static_cast<std::size_t>(code[at].off));
    }
  }
  return seen.size() == code.size();
}

void expect_same_answers(const std::vector<DeviceRule>& rules) {
  const std::vector<struct bpf_insn> code = compile_devices(rules);
  ASSERT_TRUE(all_reachable(code));
  Interpreter interpreter(code);
  for (const DeviceType type : {DeviceType::character, DeviceType::block}) {
    for (const std::uint32_t major : {0U, 1U, 5U, 0xFFFFFFFFU}) {
      for (const std::uint32_t minor : {0U, 3U, 5U}) {
        for (std::uint32_t access = 0; access <= kAnyAccess; ++access) {
          ASSERT_EQ(allows(rules, type, major, minor, access) ? 1U : 0U,
                    interpreter.run({type, major, minor, access}))
              << major << ':' << minor << " access " << access;
        }
      }
    }
  }
}

TEST(DeviceProgram, WithoutRulesAllowsEverything) { expect_same_answers({}); }

TEST(DeviceProgram, OfTheDefaultRulesAnswersAsTheRulesDo) {
  expect_same_answers(default_device_rules());
}

TEST(DeviceProgram, EndsAtARuleAboutEverything) {
  const std::vector<DeviceRule> deny_all{{}};
  std::vector<DeviceRule> rules = default_device_rules();
  rules.push_back({});
  EXPECT_EQ(compile_devices(deny_all).size(), compile_devices(rules).size());
  expect_same_answers(rules);
}

TEST(DeviceProgram, AnswersAsTheRulesDoForAThousandRandomLists) {
  std::mt19937 random(20261121);
  const auto pick = [&](std::uint32_t count) {
    return static_cast<std::uint32_t>(random() % count);
  };
  const auto number = [&]() -> std::optional<std::uint32_t> {
    constexpr std::array<std::uint32_t, 4> kNumbers{0, 1, 3, 0xFFFFFFFF};
    if (pick(3) == 0) return std::nullopt;
    return kNumbers[pick(4)];
  };
  for (int i = 0; i < 1000; ++i) {
    std::vector<DeviceRule> rules;
    for (std::uint32_t n = pick(12); n > 0; --n) {
      rules.push_back({pick(2) == 0 ? Verdict::deny : Verdict::allow,
                       static_cast<DeviceType>(pick(3)), number(), number(), pick(8)});
    }
    expect_same_answers(rules);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace minidocker::cgroups
