#include "spec_builder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::engine {
namespace {

using spec::NamespaceType;

std::vector<std::string> masked_paths() {
  return {"/proc/asound",     "/proc/acpi",        "/proc/interrupts",
          "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
          "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
}

std::vector<std::string> readonly_paths() {
  return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

std::vector<spec::Namespace> namespaces(const CreateRequest& request, const Maker& maker) {
  // A cgroup namespace hides where in the host's tree the container lies. docker leaves it out on
  // cgroup v1 for the sake of programs older than it; we don't.
  std::vector<spec::Namespace> list{{NamespaceType::mount, ""}, {NamespaceType::cgroup, ""}};
  if (request.pid == NamespaceMode::own) list.push_back({NamespaceType::pid, ""});
  if (request.network == NamespaceMode::own) list.push_back({NamespaceType::network, ""});
  if (request.ipc != IpcMode::host) list.push_back({NamespaceType::ipc, ""});
  if (request.uts == NamespaceMode::own) list.push_back({NamespaceType::uts, ""});
  if (maker.is_rootless()) list.push_back({NamespaceType::user, ""});
  return list;
}

std::vector<spec::Rlimit> rlimits(const std::vector<Ulimit>& ulimits) {
  std::vector<spec::Rlimit> list;
  for (const Ulimit& limit : ulimits) {
    std::string type = "RLIMIT_";
    for (const char c : limit.name) type += static_cast<char>(std::toupper(c));
    std::erase_if(list, [&](const spec::Rlimit& other) { return other.type == type; });
    list.push_back({type, limit.hard, limit.soft});
  }
  return list;
}

bool is_root_group(const std::string& user) {
  const std::size_t colon = user.find(':');
  if (colon == std::string::npos) return true;
  const std::string group = user.substr(colon + 1);
  return group.empty() || group == "0" || group == "root";
}

void check_ids(const std::string& user, const Maker& maker) {
  if (!maker.is_rootless() || (is_root_user(user) && is_root_group(user))) return;
  throw Error(ErrorKind::unavailable,
              fmt::format("user '{}': a container of an ordinary user has no ids but 0, which is "
                          "uid {} outside; more of them need subordinate ids (/etc/subuid, "
                          "newuidmap), which are not supported yet: run mini-docker as root",
                          user, maker.uid));
}

spec::Process build_process(const CreateRequest& request, const SpecInput& input) {
  spec::Process process;
  process.terminal = request.terminal;
  process.args = input.program.args;
  if (request.init) process.args.insert(process.args.begin(), {"/sbin/docker-init", "--"});
  process.env = input.program.env;
  process.cwd = input.program.working_dir;
  process.capabilities = build_capabilities(request, input);
  process.rlimits = rlimits(request.ulimits);
  process.no_new_privileges = request.no_new_privileges;
  process.oom_score_adj = request.oom_score_adj;
  return process;
}

void map_own_ids(spec::Linux& linux_, const Maker& maker) {
  if (!maker.is_rootless()) return;
  linux_.uid_mappings = {{0, maker.uid, 1}};
  linux_.gid_mappings = {{0, maker.gid, 1}};
}

void check_combinations(const CreateRequest& request) {
  if (request.hostname && request.uts == NamespaceMode::host) {
    throw Error(ErrorKind::invalid_argument, "conflicting options: hostname and the UTS mode");
  }
}

}  // namespace

bool is_root_user(const std::string& user) {
  const std::string name = user.substr(0, user.find(':'));
  return name.empty() || name == "0" || name == "root";
}

Maker Maker::current() {
  Maker maker{sys::geteuid(), sys::getegid(), security::kAllKnown};
  // A new user namespace gives all; otherwise nobody can grant what he does not have.
  if (!maker.is_rootless()) maker.capabilities = {sys::capget().or_throw().permitted};
  return maker;
}

spec::Spec build_spec(const CreateRequest& request, const SpecInput& input) {
  check_combinations(request);
  check_ids(input.program.user, input.maker);
  spec::Spec spec;
  spec.oci_version = spec::kOciVersion;
  spec.root = {"rootfs", request.read_only};
  spec.mounts = build_mounts(request, input);
  spec.process = build_process(request, input);
  if (request.uts == NamespaceMode::own) spec.hostname = input.hostname;
  spec.linux_.namespaces = namespaces(request, input.maker);
  map_own_ids(spec.linux_, input.maker);
  spec.linux_.cgroups_path = input.cgroups_path;
  spec.linux_.devices = build_devices(request, input);
  spec.linux_.resources = build_resources(request, input);
  if (request.privileged) return spec;
  spec.linux_.masked_paths = masked_paths();
  spec.linux_.readonly_paths = readonly_paths();
  return spec;
}

}  // namespace minidocker::engine
