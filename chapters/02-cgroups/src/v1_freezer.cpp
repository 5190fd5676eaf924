#include "v1_freezer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::cgroups {
namespace {

/// How many processes are held by pidfd at once; a descriptor each, of 1024 one usually has.
constexpr std::size_t kBatch = 256;
/// v1 tells nobody when the last one stands still: it is asked again.
constexpr int kLookAgainMs = 1;

std::string state_file(const Directory& freezer) { return freezer.path() + "/freezer.state"; }

/// Writes `state` until the kernel says that it is reached. Once is not enough: a task that forks,
/// or is on its way out of the kernel, leaves the group FREEZING, and nobody looks after it.
bool reach(const Directory& freezer, std::string_view state, Deadline deadline) {
  const std::string file = state_file(freezer);
  while (true) {
    write_control(file, state);
    if (read_control(file).value_or("").starts_with(state)) return true;
    if (Deadline::clock::now() >= deadline) return false;
    (void)sys::poll({}, kLookAgainMs);
  }
}

/// Stops all members for as long as it lives: nobody forks while the list is worked off. SIGKILL
/// takes effect when they thaw.
class Frozen {
 public:
  explicit Frozen(const Directory* freezer)
      : file_(freezer != nullptr ? freezer->path() + "/freezer.state" : "") {
    if (!file_.empty()) (void)write_control_at(AT_FDCWD, file_.c_str(), "FROZEN");
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  ~Frozen() {
    if (!file_.empty()) (void)write_control_at(AT_FDCWD, file_.c_str(), "THAWED");
  }

 private:
  std::string file_;
};

/// A group of v1 that was frozen by itself stays so when the one above it thaws: whoever had the
/// freezer handed to him in the container may have frozen one. SIGKILL waits for it.
void thaw_below(const std::string& path) {
  for (const std::string& name : subgroups(path)) {
    const std::string below = path + "/" + name;
    (void)write_control_at(AT_FDCWD, (below + "/freezer.state").c_str(), "THAWED");
    thaw_below(below);
  }
}

/// SIGKILLs `pids` if they are still members once a pidfd holds each: a number that was given to a
/// stranger meanwhile is then not in the list any more.
void kill_members(const Directory& directory, const std::vector<pid_t>& pids) {
  for (std::size_t at = 0; at < pids.size(); at += kBatch) {
    std::vector<std::pair<pid_t, UniqueFd>> held;
    for (std::size_t i = at; i < std::min(at + kBatch, pids.size()); ++i) {
      sys::Result<UniqueFd> pidfd = sys::pidfd_open(pids[i]);
      if (pidfd) held.emplace_back(pids[i], std::move(pidfd).value());
    }
    const std::vector<pid_t> members = processes_in(directory.path());
    for (const auto& [pid, pidfd] : held) {
      if (std::ranges::find(members, pid) == members.end()) continue;
      (void)sys::pidfd_send_signal(pidfd.get(), SIGKILL);
    }
  }
}

}  // namespace

void freeze_v1(const Directory& freezer, Deadline deadline) {
  if (reach(freezer, "FROZEN", deadline)) return;
  (void)write_control_at(AT_FDCWD, state_file(freezer).c_str(), "THAWED");
  give_up_freezing(freezer);
}

void thaw_v1(const Directory& freezer, Deadline deadline) {
  if (!reach(freezer, "THAWED", deadline)) give_up_thawing(freezer);
}

void kill_round_v1(const Directory& directory, const Directory* freezer) {
  {
    const Frozen frozen(freezer);
    kill_members(directory, processes_in(directory.path()));
  }
  if (freezer != nullptr) thaw_below(freezer->path());
}

}  // namespace minidocker::cgroups
