#include "minidocker/cgroups/device_rules.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

constexpr std::array<std::pair<char, std::uint32_t>, 3> kLetters{
    {{'r', kRead}, {'w', kWrite}, {'m', kMknod}}};

std::string number_or_star(const std::optional<std::uint32_t>& number) {
  return number ? std::to_string(*number) : "*";
}

bool is_everything(const DeviceRule& rule) {
  return rule.type == DeviceType::any && !rule.major && !rule.minor && rule.access == kAnyAccess;
}

bool speaks_of(const DeviceRule& rule, DeviceType type, std::uint32_t major, std::uint32_t minor) {
  return (rule.type == DeviceType::any || rule.type == type) &&
         rule.major.value_or(major) == major && rule.minor.value_or(minor) == minor;
}

}  // namespace

std::uint32_t parse_access(std::string_view text) {
  std::uint32_t access = 0;
  for (const char letter : text) {
    std::uint32_t bit = 0;
    for (const auto& [name, value] : kLetters) {
      if (name == letter) bit = value;
    }
    if (bit == 0 || (access & bit) != 0) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("device access {}: must be some of r, w and m", quoted(text)));
    }
    access |= bit;
  }
  return access;
}

std::string rule_text(const DeviceRule& rule) {
  if (is_everything(rule)) return "a";
  const char type = rule.type == DeviceType::any         ? 'a'
                    : rule.type == DeviceType::character ? 'c'
                                                         : 'b';
  std::string access;
  for (const auto& [name, bit] : kLetters) {
    if ((rule.access & bit) != 0) access.push_back(name);
  }
  return fmt::format("{} {}:{} {}", type, number_or_star(rule.major), number_or_star(rule.minor),
                     access);
}

std::vector<DeviceRule> default_device_rules() {
  constexpr Verdict kAllow = Verdict::allow;
  constexpr DeviceType kChar = DeviceType::character;
  return {
      {Verdict::deny, DeviceType::any, {}, {}, kAnyAccess},
      {kAllow, kChar, {}, {}, kMknod},  // a node that cannot be opened does no harm
      {kAllow, DeviceType::block, {}, {}, kMknod},
      {kAllow, kChar, 1, 3, kAnyAccess},     // null
      {kAllow, kChar, 1, 5, kAnyAccess},     // zero
      {kAllow, kChar, 1, 7, kAnyAccess},     // full
      {kAllow, kChar, 1, 8, kAnyAccess},     // random
      {kAllow, kChar, 1, 9, kAnyAccess},     // urandom
      {kAllow, kChar, 5, 0, kAnyAccess},     // tty
      {kAllow, kChar, 5, 2, kAnyAccess},     // ptmx
      {kAllow, kChar, 10, 200, kAnyAccess},  // net/tun: for VPNs in containers, as runc has it
      {kAllow, kChar, 136, {}, kAnyAccess},  // terminals
  };
}

bool allows(const std::vector<DeviceRule>& rules, DeviceType type, std::uint32_t major,
            std::uint32_t minor, std::uint32_t access) {
  std::uint32_t undecided = access;
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if (rule->access == 0 || !speaks_of(*rule, type, major, minor)) continue;
    if (rule->verdict == Verdict::deny) {
      if (rule->access == kAnyAccess || (undecided & rule->access) != 0) return false;
    } else {
      undecided &= ~rule->access;
      if (undecided == 0) return true;
    }
  }
  return true;
}

}  // namespace minidocker::cgroups
