#include "v1_devices.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::cgroups {
namespace {

using Number = std::optional<std::uint32_t>;

constexpr std::uint32_t kReadWrite = kRead | kWrite;
const DeviceRule kAllowAll{Verdict::allow, DeviceType::any, {}, {}, kAnyAccess};

bool is_everything(const DeviceRule& rule) {
  return rule.type == DeviceType::any && !rule.major && !rule.minor && rule.access == kAnyAccess;
}

bool covers(const Number& wide, const Number& narrow) { return !wide || wide == narrow; }
bool covers(const DeviceRule& wide, const DeviceRule& narrow) {
  return wide.type == narrow.type && covers(wide.major, narrow.major) &&
         covers(wide.minor, narrow.minor);
}

bool meet(const Number& one, const Number& other) { return !one || !other || one == other; }
bool meet(const DeviceRule& one, const DeviceRule& other) {
  return one.type == other.type && meet(one.major, other.major) && meet(one.minor, other.minor);
}

/// What the group holds at the kernel: a verdict about all devices, and exceptions from it.
///
/// Invariant: no two exceptions are of the same numbers, and where two that meet allow reading and
/// writing together, a third about their common devices allows both, as the kernel looks for one
/// exception that allows all that is asked for.
class Group {
 public:
  void take(const DeviceRule& rule) {
    if (rule.access == 0) return;
    if (is_everything(rule)) return begin(rule);
    // Of an `a` line the kernel reads no more than the `a`.
    for (const DeviceType type : {DeviceType::character, DeviceType::block}) {
      if (rule.type != type && rule.type != DeviceType::any) continue;
      DeviceRule single = rule;
      single.type = type;
      if (rule.verdict == all_) {
        end_exceptions(single);
      } else {
        add_exception(single);
      }
    }
  }
  std::vector<DeviceLine> lines() { return std::move(lines_); }

 private:
  void begin(const DeviceRule& rule) {
    all_ = rule.verdict;
    exceptions_.clear();
    write(rule);
  }
  void write(const DeviceRule& rule) { lines_.push_back({rule.verdict, rule_text(rule)}); }

  void add_exception(const DeviceRule& rule) {
    const std::vector<DeviceRule> before = exceptions_;
    for (const DeviceRule& other : before) {
      if (all_ != Verdict::deny || !meet(rule, other)) continue;
      DeviceRule both = rule;
      if (!both.major) both.major = other.major;
      if (!both.minor) both.minor = other.minor;
      both.access |= other.access;
      const bool one_alone_does =
          (rule.access & kReadWrite) == kReadWrite || (other.access & kReadWrite) == kReadWrite;
      if ((both.access & kReadWrite) == kReadWrite && !one_alone_does) put(both);
    }
    put(rule);
  }

  void put(const DeviceRule& rule) {
    const auto says_it = [&](const DeviceRule& other) {
      return covers(other, rule) && (rule.access & ~other.access) == 0;
    };
    if (std::ranges::any_of(exceptions_, says_it)) return;
    write(rule);
    const auto same = std::ranges::find_if(exceptions_, [&](const DeviceRule& other) {
      return covers(other, rule) && covers(rule, other);
    });
    if (same == exceptions_.end()) {
      exceptions_.push_back(rule);
    } else {
      same->access |= rule.access;
    }
  }

  /// The rule says what holds for all: what it speaks of is no exception any more.
  void end_exceptions(const DeviceRule& rule) {
    for (DeviceRule& exception : exceptions_) {
      const std::uint32_t ended = exception.access & rule.access;
      if (ended == 0 || !meet(exception, rule)) continue;
      if (!covers(rule, exception)) {
        cannot_punch_a_hole(rule, exception, ended);
        continue;
      }
      DeviceRule line = exception;
      line.verdict = rule.verdict;
      line.access = ended;
      write(line);
      exception.access &= ~ended;
    }
    std::erase_if(exceptions_, [](const DeviceRule& exception) { return exception.access == 0; });
  }

  static void cannot_punch_a_hole(const DeviceRule& rule, const DeviceRule& exception,
                                  std::uint32_t ended) {
    const char* verb = rule.verdict == Verdict::deny ? "deny" : "allow";
    const std::string what = fmt::format("{} {}", verb, rule_text(rule));
    if (ended == kMknod && rule.verdict == Verdict::deny) {
      const trace::Scope told("02-cgroups", "leave mknod out of the device rule " + what,
                              "v1 cannot take one device out of many; a node that may not be "
                              "opened does no harm");
      return;
    }
    throw Error(ErrorKind::unavailable,
                fmt::format("device rule {}: cgroup v1 cannot take it out of the wider {}; hint: "
                            "name the devices of the wider rule one by one, or use cgroup v2",
                            what, rule_text(exception)));
  }

  Verdict all_ = Verdict::allow;
  std::vector<DeviceRule> exceptions_;  // of one type each, with the verdict that is not all_
  std::vector<DeviceLine> lines_;
};

}  // namespace

std::vector<DeviceLine> v1_device_lines(const std::vector<DeviceRule>& rules) {
  if (rules.empty()) return {};
  Group group;
  // Nothing before the last rule about everything counts; without one all is allowed.
  const auto last = std::find_if(rules.rbegin(), rules.rend(), is_everything);
  if (last == rules.rend()) group.take(kAllowAll);
  const auto first = last == rules.rend() ? rules.begin() : std::prev(last.base());
  std::for_each(first, rules.end(), [&](const DeviceRule& rule) { group.take(rule); });
  return group.lines();
}

}  // namespace minidocker::cgroups
