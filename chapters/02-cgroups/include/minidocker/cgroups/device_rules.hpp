#pragma once
/// \file
/// Rules about which devices a group's processes may use, as values and as v1's text.

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::cgroups {

/// What a rule says.
enum class Verdict { deny, allow };
/// What a rule speaks of.
enum class DeviceType { any, character, block };

/// Bits of DeviceRule::access; the kernel's BPF_DEVCG_ACC_*.
enum DeviceAccess : std::uint32_t {
  kMknod = BPF_DEVCG_ACC_MKNOD,         ///< `m`: make a node
  kRead = BPF_DEVCG_ACC_READ,           ///< `r`: open for reading
  kWrite = BPF_DEVCG_ACC_WRITE,         ///< `w`: open for writing
  kAnyAccess = kMknod | kRead | kWrite  ///< `rwm`
};

/// A rule. Of several that speak of a device and an access, the last one holds; where none does,
/// the access is allowed, as in a fresh group (config-linux.md#allowed-device-list).
struct DeviceRule {
  Verdict verdict = Verdict::deny;                     ///< may they or not?
  DeviceType type = DeviceType::any;                   ///< `a`, `c` or `b`
  std::optional<std::uint32_t> major;                  ///< absent: `*`
  std::optional<std::uint32_t> minor;                  ///< absent: `*`
  std::uint32_t access = kAnyAccess;                   ///< bits of DeviceAccess
  bool operator==(const DeviceRule&) const = default;  ///< member by member
};

/// `rwm` in any order, each letter at most once, as bits. Throws Error(invalid_argument).
[[nodiscard]] std::uint32_t parse_access(std::string_view text);

/// `c 1:3 rwm`, `b *:* m`, and `a` for everything, as v1 writes them. The kernel takes no other
/// rule with an `a`: `a 1:3 rwm` is for people.
[[nodiscard]] std::string rule_text(const DeviceRule& rule);

/// What every container may do: make any node, and use null zero full random urandom tty, its
/// terminals and ptmx (config-linux.md#default-devices), after a rule that denies all else.
[[nodiscard]] std::vector<DeviceRule> default_device_rules();

/// May a process do all of `access` to the device? What the compiled program must answer too. Asked
/// about no access at all, as access(2) with F_OK does, the answer is that of the last rule which
/// allows anything or denies everything.
[[nodiscard]] bool allows(const std::vector<DeviceRule>& rules, DeviceType type,
                          std::uint32_t major, std::uint32_t minor, std::uint32_t access);

}  // namespace minidocker::cgroups
