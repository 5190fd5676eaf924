#include "container_cgroup.hpp"

#include <sys/auxv.h>

#include <cerrno>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "cgroup_values.hpp"
#include "container_scope.hpp"
#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/device_rules.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::runtime {
namespace {

constexpr const char* kChapter = "02-cgroups";

/// Who has no privileges on the host can set no rules, and needs none: nobody can make nodes in the
/// user namespace, and the host's are bound one by one.
bool wants_device_rules(const spec::Spec& spec) {
  if (spec.linux_.find(spec::NamespaceType::user) == nullptr) return true;
  return ::getauxval(AT_EUID) == 0 && namespaces::in_initial_user_namespace();
}

/// What of the spec cannot be had without a group, in words; empty if nothing.
std::string needs_cgroup(const spec::Spec& spec) {
  const std::string limits = limits_of(spec.linux_.resources).in_words();
  if (!limits.empty()) return limits;
  if (!spec.linux_.cgroups_path.empty()) return "config.json: /linux/cgroupsPath";
  const bool rules = !spec.linux_.resources.devices.empty() && wants_device_rules(spec);
  return rules ? "config.json: /linux/resources/devices" : "";
}

}  // namespace

cgroups::Location choose_location(const spec::Spec& spec, const CreateOptions& options) {
  if (!options.scope_helper.empty()) return choose_scope(spec, options);
  const std::string parent =
      options.cgroup_parent.empty() ? std::string("/mini-docker") : options.cgroup_parent;
  const std::string path =
      spec.linux_.cgroups_path.empty() ? parent + "/" + options.id : spec.linux_.cgroups_path;
  const auto who = static_cast<uid_t>(::getauxval(AT_EUID));  // no call needs to ask
  std::variant<cgroups::Location, cgroups::Reason> place =
      cgroups::place(cgroups::detect(), path, who);
  if (auto* location = std::get_if<cgroups::Location>(&place)) return std::move(*location);
  const std::string wish = needs_cgroup(spec);
  if (!wish.empty()) cgroups::refuse(std::get<cgroups::Reason>(place), wish);
  return {};
}

std::optional<cgroups::Cgroup> make_cgroup(const cgroups::Location& location,
                                           const spec::Spec& spec) {
  const bool is_ours = location.manager == cgroups::Manager::nobody;
  if (location.mode == cgroups::Mode::none || !is_ours) return std::nullopt;
  const trace::Scope scope(kChapter, "make the container's cgroup and set its limits",
                           "a limit holds for a group, and from the first moment on");
  cgroups::Cgroup cgroup = cgroups::Cgroup::create(location);
  const cgroups::Limits limits = limits_of(spec.linux_.resources);
  if (!limits.in_words().empty()) cgroup.apply(limits);
  if (wants_device_rules(spec)) cgroup.apply_devices(device_rules_of(spec.linux_));
  return cgroup;
}

cgroups::Cgroup make_scope(const cgroups::Location& location, const spec::Spec& spec,
                           const std::string& helper, pid_t pid) {
  const trace::Scope scope(kChapter, "have the container's scope made, with its limits",
                           "a limit holds for a group, and from the first moment on");
  cgroups::Cgroup cgroup =
      cgroups::start_scope({helper}, location, limits_of(spec.linux_.resources), pid);
  if (wants_device_rules(spec)) cgroup.apply_devices(device_rules_of(spec.linux_));
  return cgroup;
}

std::vector<std::string> describe_cgroup(const cgroups::Location& location,
                                         const spec::Spec& spec) {
  std::vector<std::string> lines;
  for (const cgroups::Directory& directory : location.directories) {
    const bool is_ours = location.manager == cgroups::Manager::nobody;
    lines.push_back(fmt::format(
        "{} {}", is_ours ? "make the cgroup" : "have systemd make the scope", directory.path()));
  }
  if (location.mode == cgroups::Mode::none) return {"no cgroup: none is delegated to this user"};
  const std::string limits = limits_of(spec.linux_.resources).in_words();
  if (!limits.empty()) lines.push_back(fmt::format("set {}", limits));
  if (!wants_device_rules(spec)) return lines;
  for (const cgroups::DeviceRule& rule : device_rules_of(spec.linux_)) {
    lines.push_back(fmt::format("{} devices {}",
                                rule.verdict == cgroups::Verdict::allow ? "allow" : "deny",
                                cgroups::rule_text(rule)));
  }
  return lines;
}

bool remove_empty_cgroup(const cgroups::Location& location) {
  if (location.manager != cgroups::Manager::nobody) return false;
  const trace::Scope scope(kChapter, "remove the container's cgroup",
                           "the kernel refuses (EBUSY) while somebody is in it");
  bool all_gone = true;
  for (const cgroups::Directory& directory : location.directories) {
    const sys::Result<> removed = sys::rmdir(directory.path().c_str());
    all_gone = all_gone && (removed || removed.error() == ENOENT);
  }
  return all_gone;
}

}  // namespace minidocker::runtime
