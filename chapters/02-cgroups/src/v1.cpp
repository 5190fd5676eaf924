#include "v1.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "v1_devices.hpp"
#include "v1_freezer.hpp"
#include "write_controls.hpp"

namespace minidocker::cgroups {
namespace {

/// v1 has no event for "a process left": between two looks lies a poll of this length.
constexpr int kLookAgainMs = 2;

bool is_cpuset(const Directory& directory) {
  return names_controller(directory.controllers, "cpuset");
}

/// A new cpuset group has neither CPUs nor memory nodes, and refuses every process with ENOSPC
/// until it gets both from the group above.
void fill_cpuset(const std::string& parent, const std::string& group) {
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    write_control(group + file, read_control(parent + file).value_or(""));
  }
}

/// Has the group above, by clone_children, filled this new one already? It copies both or none.
bool is_filled(const std::string& group) {
  const std::string mems = read_control(group + "/cpuset.mems").value_or("");
  return mems.find_first_not_of(" \n") != std::string::npos;
}

/// Makes the groups above `directory`, which are shared by all and stay.
void make_ancestors(const Directory& directory) {
  const std::vector<std::string> paths = ancestors(directory);
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const bool is_new = was_made(sys::mkdir(paths[i].c_str(), 0755), paths[i]);
    if (!is_cpuset(directory)) continue;
    if (!is_filled(paths[i])) fill_cpuset(paths[i - 1], paths[i]);
    if (is_new) write_control(paths[i] + "/cgroup.clone_children", "1");
  }
}

/// Makes the directory; false if it was there.
bool make_directory(const Directory& directory) {
  const std::string path = directory.path();
  sys::Result<> made = sys::mkdir(path.c_str(), 0755);
  if (made.error() == ENOENT) {
    make_ancestors(directory);
    made = sys::mkdir(path.c_str(), 0755);
  }
  return was_made(std::move(made), path);
}

/// Nobody would ever run in a frozen group: its start would hang without a word.
void require_thawed(const Directory& directory) {
  const std::optional<std::string> state = read_control(directory.path() + "/freezer.state");
  if (!state || state->starts_with("THAWED")) return;
  throw Error(
      ErrorKind::conflict,
      fmt::format("container's cgroup is unexpectedly frozen: {}; hint: write THAWED to its "
                  "freezer.state, or remove the group",
                  directory.path()));
}

/// Opened once: each rule is a write(2) of its own.
class RuleFile {
 public:
  RuleFile(const Directory& directory, const char* name)
      : path_(directory.path() + "/" + name),
        fd_(sys::open(path_.c_str(), O_WRONLY)
                .or_throw(quoted(path_), "only root may set device rules of cgroup v1")) {}
  void write(const std::string& rule) {
    sys::write(fd_.get(), rule.data(), rule.size())
        .or_throw(fmt::format("{}, {}", quoted(path_), quoted(rule)));
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace

void V1Driver::make(const Location& location, std::vector<Directory>& made) const {
  bool existed = false;
  for (const Directory& directory : location.directories) {
    if (make_directory(directory)) {
      made.push_back(directory);
    } else {
      existed = true;
      require_empty(directory);
    }
    if (is_cpuset(directory) && !is_filled(directory.path())) {
      fill_cpuset(ancestors(directory).back(), directory.path());
    }
  }
  const Directory* freezer = location.find("freezer");
  if (existed && freezer != nullptr) require_thawed(*freezer);
}

void V1Driver::apply(const Location& location, const Limits& limits) const {
  write_controls(location, v1_writes(limits));
}

void V1Driver::update(const Location& location, const Limits& limits) const {
  update_controls(location, v1_writes(limits));  // the kernel itself refuses what is in use
}

void V1Driver::apply_devices(const Location& location, const std::vector<DeviceRule>& rules) const {
  if (rules.empty()) return;
  const Directory* directory = location.find("devices");
  if (directory == nullptr) {
    throw Error(ErrorKind::unavailable,
                "device rules: this host has no devices controller; hint: mount its hierarchy");
  }
  const std::vector<DeviceLine> lines = v1_device_lines(rules);
  RuleFile deny(*directory, "devices.deny");
  RuleFile allow(*directory, "devices.allow");
  for (const DeviceLine& line : lines) {
    (line.verdict == Verdict::deny ? deny : allow).write(line.text);
  }
}

void V1Driver::attach(const Location& location, pid_t pid) const {
  for (const Directory& directory : location.directories) {
    attach_to(directory, pid);
  }
}

const Directory& V1Driver::freezer_of(const Location& location) {
  const Directory* freezer = location.find("freezer");
  if (freezer != nullptr) return *freezer;
  throw Error(ErrorKind::unavailable,
              "freeze: this host has no freezer controller; hint: mount its hierarchy");
}

void V1Driver::freeze(const Location& location, Deadline deadline) const {
  freeze_v1(freezer_of(location), deadline);
}

void V1Driver::thaw(const Location& location, Deadline deadline) const {
  thaw_v1(freezer_of(location), deadline);
}

bool V1Driver::is_frozen(const Location& location) const {
  const Directory* freezer = location.find("freezer");
  if (freezer == nullptr) return false;
  return read_control(freezer->path() + "/freezer.state").value_or("").starts_with("FROZEN");
}

void V1Driver::kill_all(const Location& location, Deadline deadline) const {
  const Directory* freezer = location.find("freezer");
  for (const Directory& directory : location.directories) {
    while (!processes_in(directory.path()).empty()) {
      kill_round_v1(directory, freezer);
      if (Deadline::clock::now() >= deadline) give_up_killing(directory);
      wait_for_change(directory, deadline);
    }
  }
}

void V1Driver::wait_for_change(const Directory&, Deadline deadline) const {
  (void)sys::poll({}, std::min(milliseconds_until(deadline), kLookAgainMs));
}

}  // namespace minidocker::cgroups
