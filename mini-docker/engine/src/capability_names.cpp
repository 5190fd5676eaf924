#include "capability_names.hpp"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

using Mask = std::uint64_t;

// capabilities(7), by number.
constexpr std::array<std::string_view, 41> kNames{"CHOWN",
                                                  "DAC_OVERRIDE",
                                                  "DAC_READ_SEARCH",
                                                  "FOWNER",
                                                  "FSETID",
                                                  "KILL",
                                                  "SETGID",
                                                  "SETUID",
                                                  "SETPCAP",
                                                  "LINUX_IMMUTABLE",
                                                  "NET_BIND_SERVICE",
                                                  "NET_BROADCAST",
                                                  "NET_ADMIN",
                                                  "NET_RAW",
                                                  "IPC_LOCK",
                                                  "IPC_OWNER",
                                                  "SYS_MODULE",
                                                  "SYS_RAWIO",
                                                  "SYS_CHROOT",
                                                  "SYS_PTRACE",
                                                  "SYS_PACCT",
                                                  "SYS_ADMIN",
                                                  "SYS_BOOT",
                                                  "SYS_NICE",
                                                  "SYS_RESOURCE",
                                                  "SYS_TIME",
                                                  "SYS_TTY_CONFIG",
                                                  "MKNOD",
                                                  "LEASE",
                                                  "AUDIT_WRITE",
                                                  "AUDIT_CONTROL",
                                                  "SETFCAP",
                                                  "MAC_OVERRIDE",
                                                  "MAC_ADMIN",
                                                  "SYSLOG",
                                                  "WAKE_ALARM",
                                                  "BLOCK_SUSPEND",
                                                  "AUDIT_READ",
                                                  "PERFMON",
                                                  "BPF",
                                                  "CHECKPOINT_RESTORE"};
static_assert(kNames[CAP_MKNOD] == "MKNOD" && kNames[CAP_AUDIT_READ] == "AUDIT_READ");

constexpr Mask bit(int number) { return Mask{1} << static_cast<unsigned>(number); }

constexpr Mask kAll = (Mask{1} << kNames.size()) - 1;

// What docker gives: enough to set up files and drop privileges, nothing that reaches outside.
constexpr Mask kDefault =
    bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FSETID) | bit(CAP_FOWNER) | bit(CAP_MKNOD) |
    bit(CAP_NET_RAW) | bit(CAP_SETGID) | bit(CAP_SETUID) | bit(CAP_SETFCAP) | bit(CAP_SETPCAP) |
    bit(CAP_NET_BIND_SERVICE) | bit(CAP_SYS_CHROOT) | bit(CAP_KILL) | bit(CAP_AUDIT_WRITE);
static_assert(kDefault == 0xa80425fb);

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

bool is_all(const std::string& name) { return upper(name) == "ALL" || upper(name) == "CAP_ALL"; }

Mask parse(const std::string& name, std::string_view flag) {
  std::string bare = upper(name);
  if (bare.starts_with("CAP_")) bare.erase(0, 4);
  const auto* place = std::ranges::find(kNames, bare);
  if (place == kNames.end()) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("invalid {}: unknown capability: \"{}\"", flag, name));
  }
  return bit(static_cast<int>(place - kNames.begin()));
}

/// The union of the names; nothing for "ALL", which means another thing for either flag.
Mask parse_all(const std::vector<std::string>& names, std::string_view flag) {
  Mask mask = 0;
  for (const std::string& name : names) mask |= is_all(name) ? 0 : parse(name, flag);
  return mask;
}

}  // namespace

std::vector<std::string> choose_capabilities(const std::vector<std::string>& add,
                                             const std::vector<std::string>& drop,
                                             std::uint64_t grantable) {
  const Mask added = parse_all(add, "CapAdd");
  const Mask dropped = parse_all(drop, "CapDrop");
  // docker: ALL to add leaves out what is dropped by name; ALL to drop leaves what is added.
  Mask mask = kDefault & grantable;
  if (std::ranges::any_of(drop, is_all)) mask = 0;
  if (std::ranges::any_of(add, is_all)) mask = kAll & grantable;
  mask = (mask & ~dropped) | added;
  return names_of_capabilities(mask);
}

std::vector<std::string> names_of_capabilities(std::uint64_t mask) {
  std::vector<std::string> names;
  for (std::size_t number = 0; number < kNames.size(); ++number) {
    if ((mask >> number & 1) != 0) names.push_back(fmt::format("CAP_{}", kNames[number]));
  }
  return names;
}

}  // namespace minidocker::engine
