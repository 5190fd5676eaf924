#include "container_cgroup.hpp"

#include <cerrno>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/device_rules.hpp"
#include "minidocker/cgroups/limits.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::runtime {
namespace {

constexpr const char* kChapter = "02-cgroups";

std::optional<Bytes> bytes_of(const std::optional<std::int64_t>& value) {
  if (!value) return std::nullopt;
  return *value < 0 ? cgroups::kUnlimited : Bytes{static_cast<std::uint64_t>(*value)};
}

template <class T>
std::optional<std::chrono::microseconds> microseconds_of(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(*value));
}

cgroups::Limits limits_of(const spec::Resources& resources) {
  cgroups::Limits limits;
  limits.memory = {bytes_of(resources.memory.limit), bytes_of(resources.memory.reservation),
                   bytes_of(resources.memory.swap)};
  limits.cpu.shares = resources.cpu.shares;
  limits.cpu.quota = microseconds_of(resources.cpu.quota);
  limits.cpu.period = microseconds_of(resources.cpu.period);
  limits.pids = resources.pids_limit;
  return limits;
}

cgroups::DeviceRule rule_of(const spec::DeviceRule& rule) {
  cgroups::DeviceRule converted;
  converted.verdict = rule.allow ? cgroups::Verdict::allow : cgroups::Verdict::deny;
  converted.type = rule.type == 'c'   ? cgroups::DeviceType::character
                   : rule.type == 'b' ? cgroups::DeviceType::block
                                      : cgroups::DeviceType::any;
  converted.major = rule.major;
  converted.minor = rule.minor;
  if (!rule.access.empty()) converted.access = cgroups::parse_access(rule.access);
  return converted;
}

/// Deny all, the defaults, the spec's own devices, then its rules: runc's order.
std::vector<cgroups::DeviceRule> rules_of(const spec::Spec& spec) {
  std::vector<cgroups::DeviceRule> rules = cgroups::default_device_rules();
  for (const spec::Device& device : spec.linux_.devices) {
    if (device.type == 'p') continue;
    rules.push_back(
        {cgroups::Verdict::allow,
         device.type == 'b' ? cgroups::DeviceType::block : cgroups::DeviceType::character,
         device.major, device.minor});
  }
  bool first = true;
  for (const spec::DeviceRule& rule : spec.linux_.resources.devices) {
    // "deny everything" is where we begin; said again it would take the defaults away.
    if (first && !rule.allow && rule.type == 'a') continue;
    first = false;
    rules.push_back(rule_of(rule));
  }
  return rules;
}

/// In a user namespace nobody can make nodes, and the host's are bound one by one: no rules.
bool wants_device_rules(const spec::Spec& spec) {
  return spec.linux_.find(spec::NamespaceType::user) == nullptr;
}

}  // namespace

cgroups::Location choose_location(const spec::Spec& spec, const CreateOptions& options) {
  const cgroups::Layout layout = cgroups::detect();
  const std::string wanted = limits_of(spec.linux_.resources).in_words();
  if (const std::optional<cgroups::Reason> reason = cgroups::why_not(layout)) {
    if (!wanted.empty()) cgroups::refuse(*reason, wanted);
    if (!spec.linux_.cgroups_path.empty()) cgroups::refuse(*reason, "/linux/cgroupsPath");
    return {};
  }
  const std::string parent =
      options.cgroup_parent.empty() ? std::string("/mini-docker") : options.cgroup_parent;
  return cgroups::locate(layout, spec.linux_.cgroups_path.empty() ? parent + "/" + options.id
                                                                  : spec.linux_.cgroups_path);
}

std::optional<cgroups::Cgroup> make_cgroup(const cgroups::Location& location,
                                           const spec::Spec& spec) {
  if (location.mode == cgroups::Mode::none) return std::nullopt;
  const trace::Scope scope(kChapter, "make the container's cgroup and set its limits",
                           "a limit holds for a group, and from the first moment on");
  cgroups::Cgroup cgroup = cgroups::Cgroup::create(location);
  const cgroups::Limits limits = limits_of(spec.linux_.resources);
  if (!limits.in_words().empty()) cgroup.apply(limits);
  if (wants_device_rules(spec)) cgroup.apply_devices(rules_of(spec));
  return cgroup;
}

std::vector<std::string> describe_cgroup(const cgroups::Location& location,
                                         const spec::Spec& spec) {
  std::vector<std::string> lines;
  for (const cgroups::Directory& directory : location.directories) {
    lines.push_back(fmt::format("make the cgroup {}", directory.path()));
  }
  if (location.mode == cgroups::Mode::none) return {"no cgroup: none is delegated to this user"};
  const std::string limits = limits_of(spec.linux_.resources).in_words();
  if (!limits.empty()) lines.push_back(fmt::format("set {}", limits));
  if (!wants_device_rules(spec)) return lines;
  for (const cgroups::DeviceRule& rule : rules_of(spec)) {
    lines.push_back(fmt::format("{} devices {}",
                                rule.verdict == cgroups::Verdict::allow ? "allow" : "deny",
                                cgroups::rule_text(rule)));
  }
  return lines;
}

bool remove_empty_cgroup(const cgroups::Location& location) {
  const trace::Scope scope(kChapter, "remove the container's cgroup",
                           "the kernel refuses (EBUSY) while somebody is in it");
  bool all_gone = true;
  for (const cgroups::Directory& directory : location.directories) {
    const sys::Result<> removed = sys::rmdir(directory.path().c_str());
    all_gone = all_gone && (removed || removed.error() == ENOENT);
  }
  return all_gone;
}

void signal_cgroup(const std::string& location, int signal) {
  if (location.empty()) return;
  const cgroups::Cgroup cgroup = cgroups::Cgroup::reopen(cgroups::Location::from_text(location));
  for (const pid_t pid : cgroup.processes()) {
    sys::Result<UniqueFd> process = sys::pidfd_open(pid);
    if (process) static_cast<void>(sys::pidfd_send_signal(process.value().get(), signal));
  }
}

void remove_cgroup(const std::string& location) {
  if (location.empty()) return;
  cgroups::Cgroup cgroup = cgroups::Cgroup::reopen(cgroups::Location::from_text(location));
  cgroup.kill_all();
  cgroup.remove();
}

}  // namespace minidocker::runtime
