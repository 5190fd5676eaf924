#include "minidocker/cgroups/cgroup.hpp"

#include <fcntl.h>

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "control_write.hpp"
#include "group_files.hpp"
#include "minidocker/cgroups/join.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "systemd_removal.hpp"

namespace minidocker::cgroups {
namespace {

constexpr const char* kChapter = "02-cgroups";

Deadline in(std::chrono::milliseconds patience) { return Deadline::clock::now() + patience; }

/// A destructor has nobody to tell of a failure but the trace; recovery finds what is left by its
/// name.
template <class Work>
void tell_failure(Work work) noexcept {
  try {
    work();
  } catch (const std::exception& error) {
    const trace::Scope told(kChapter, "leave a cgroup behind", error.what());
  }
}

void remove_from(const Driver& driver, Manager manager, const Directory& directory,
                 Deadline deadline) {
  if (manager != Manager::nobody) return await_removal(driver, directory, deadline);
  remove_directory(driver, directory, deadline);
}

std::string in_words(const Location& location) {
  return location.directories.empty() ? "" : location.directories.front().group;
}

}  // namespace

Cgroup::Cgroup(const Location& location)
    : driver_(&driver_for(location.mode)), location_(location), maker_(sys::own_pid()) {}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : driver_(other.driver_),
      location_(std::move(other.location_)),
      made_(std::exchange(other.made_, {})),
      directory_(std::move(other.directory_)),
      maker_(other.maker_) {}

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  if (this == &other) return *this;
  destroy();
  driver_ = other.driver_;
  location_ = std::move(other.location_);
  made_ = std::exchange(other.made_, {});
  directory_ = std::move(other.directory_);
  maker_ = other.maker_;
  return *this;
}

Cgroup::~Cgroup() { destroy(); }

Cgroup Cgroup::create(const Location& location) {
  const trace::Scope told(kChapter, "make cgroup " + in_words(location),
                          "a group counts and limits what its processes use");
  Cgroup cgroup(location);
  cgroup.driver_->make(location, cgroup.made_);
  return cgroup;
}

Cgroup Cgroup::take_over(const Location& location) {
  Cgroup cgroup(location);
  cgroup.made_ = location.directories;
  return cgroup;
}

Cgroup Cgroup::reopen(const Location& location) { return Cgroup(location); }

void Cgroup::apply(const Limits& limits) const {
  validate(limits);
  require_limit_beside_swap(limits.memory);
  const std::string what = limits.in_words();
  const trace::Scope told(kChapter, "set " + (what.empty() ? "no limit" : what),
                          "the kernel enforces it from here on");
  driver_->apply(location_, limits);
}

void Cgroup::update(const Limits& limits) const {
  validate(limits);
  const trace::Scope told(kChapter, "change limits of cgroup " + in_words(location_),
                          "whoever runs in the group keeps running");
  driver_->update(location_, limits);
}

void Cgroup::apply_devices(const std::vector<DeviceRule>& rules) const {
  const trace::Scope told(kChapter, "set device rules",
                          "a device node can be made by anyone who may mknod; using it is another "
                          "question");
  driver_->apply_devices(location_, rules);
}

void Cgroup::enter_by(ChildPlan& plan, sys::CloneArgs& clone) {
  if (location_.mode == Mode::v2) {
    const std::string path = location_.directories.front().path();
    directory_ = sys::open(path.c_str(), O_PATH | O_DIRECTORY).or_throw(quoted(path));
    clone.cgroup = directory_.get();
    return;
  }
  std::vector<std::string> tasks;
  for (const Directory& directory : location_.directories) {
    tasks.push_back(directory.path() + "/tasks");
  }
  plan.add(JoinCgroups{plan.copy_array(tasks), plan.copy(in_words(location_))});
}

void Cgroup::attach(pid_t pid) const {
  const trace::Scope told(kChapter,
                          fmt::format("move process {} into {}", pid, in_words(location_)));
  driver_->attach(location_, pid);
}

Stats Cgroup::stats() const { return driver_->stats(location_); }

std::vector<pid_t> Cgroup::processes() const {
  std::vector<pid_t> pids;
  for (const Directory& directory : location_.directories) {
    const std::vector<pid_t> here = processes_in(directory.path());
    pids.insert(pids.end(), here.begin(), here.end());
  }
  std::ranges::sort(pids);
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

void Cgroup::freeze(std::chrono::milliseconds patience) const {
  const trace::Scope told(kChapter, "freeze cgroup " + in_words(location_),
                          "a signal could be seen and caught; this cannot");
  driver_->freeze(location_, in(patience));
}

void Cgroup::thaw(std::chrono::milliseconds patience) const {
  const trace::Scope told(kChapter, "thaw cgroup " + in_words(location_));
  driver_->thaw(location_, in(patience));
}

bool Cgroup::is_frozen() const { return driver_->is_frozen(location_); }

void Cgroup::kill_all(std::chrono::milliseconds patience) const {
  const trace::Scope told(kChapter, "kill all in cgroup " + in_words(location_),
                          "nobody in it may outlive the container, however often it forked");
  driver_->kill_all(location_, in(patience));
}

void Cgroup::remove(std::chrono::milliseconds patience) {
  const trace::Scope told(kChapter, "remove cgroup " + in_words(location_),
                          "the kernel keeps a group until somebody removes it");
  made_.clear();
  const Deadline deadline = in(patience);
  for (const Directory& directory : location_.directories) {
    remove_from(*driver_, location_.manager, directory, deadline);
  }
}

/// What was made here is removed, and only that: each directory, whatever becomes of the others.
void Cgroup::destroy() noexcept {
  if (made_.empty() || maker_ != sys::own_pid()) return;
  const Location made{location_.mode, std::exchange(made_, {}), location_.manager};
  const Deadline deadline = in(kPatience);
  tell_failure([&] { driver_->kill_all(made, deadline); });
  for (const Directory& directory : made.directories) {
    tell_failure([&] { remove_from(*driver_, made.manager, directory, deadline); });
  }
}

}  // namespace minidocker::cgroups
