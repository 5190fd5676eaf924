#include "v2.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/cgroups/device_program.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/bpf.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "write_controls.hpp"

namespace minidocker::cgroups {
namespace {

/// Before Linux 6.14, and what took its correction over, a fork under way may outlive cgroup.kill:
/// whoever is still there after this long is killed once more.
constexpr std::chrono::milliseconds kRound{100};

constexpr std::array<const char*, 6> kWanted{"cpuset", "cpu", "io", "memory", "hugetlb", "pids"};

/// `+cpu +memory`: what the group at `path` has and does not hand down yet.
std::vector<std::string> to_enable(const std::string& path) {
  const std::string has = read_control(path + "/cgroup.controllers").value_or("");
  const std::string hands_down = read_control(path + "/cgroup.subtree_control").value_or("");
  std::vector<std::string> missing;
  for (const char* controller : kWanted) {
    if (holds_word(has, controller) && !holds_word(hands_down, controller)) {
      missing.push_back(fmt::format("+{}", controller));
    }
  }
  return missing;
}

/// Lets the group at `path` hand all it has down to its children. Only ever adds: others live
/// there too. What cannot be had is no error here but where a limit needs it.
void hand_down(const std::string& path) {
  const std::vector<std::string> controllers = to_enable(path);
  if (controllers.empty()) return;
  const std::string file = path + "/cgroup.subtree_control";
  const std::string all = fmt::format("{}", fmt::join(controllers, " "));
  const sys::Result<> enabled = write_control_at(AT_FDCWD, file.c_str(), all);
  // EBUSY: it holds processes. It would take cpu and pids alone, and by that become the root of a
  // threaded tree, whose groups below are invalid: nobody could enter ours.
  if (enabled || enabled.error() == EBUSY) return;
  // One refused controller refuses the whole write (cpu, while a realtime task runs in the root).
  const trace::Scope told("02-cgroups", "enable the controllers one by one in " + file,
                          "together they were refused");
  for (const std::string& controller : controllers) {
    (void)write_control_at(AT_FDCWD, file.c_str(), controller);
  }
}

bool has_common_controllers(const std::string& path) {
  const std::string text = read_control(path + "/cgroup.controllers").value_or("");
  return holds_word(text, "memory") && holds_word(text, "cpu") && holds_word(text, "pids");
}

void make_ancestors(const Directory& directory) {
  const std::vector<std::string> paths = ancestors(directory);
  for (std::size_t i = 1; i < paths.size(); ++i) {
    (void)was_made(sys::mkdir(paths[i].c_str(), 0755), paths[i]);
  }
}

void require_thawed(const Directory& directory) {
  const std::string events = read_control(directory.path() + "/cgroup.events").value_or("");
  if (parse_keyed(events, "frozen").value_or(0) == 0) return;
  throw Error(ErrorKind::conflict,
              fmt::format("container's cgroup is unexpectedly frozen: {}; hint: write 0 to its "
                          "cgroup.freeze, or remove the group",
                          directory.path()));
}

/// Below a threaded group whatever is made is invalid: nobody could enter, and the kernel would say
/// so to the child alone.
void require_domain(const Directory& directory) {
  const std::string type = read_control(directory.path() + "/cgroup.type").value_or("domain");
  if (!type.starts_with("domain invalid")) return;
  throw Error(
      ErrorKind::unavailable,
      fmt::format("cgroup {} would be invalid: a group above it is threaded; hint: choose a "
                  "place outside of that one",
                  directory.path()));
}

UniqueFd open_directory(const Directory& directory) {
  const std::string path = directory.path();
  return sys::open(path.c_str(), O_RDONLY | O_DIRECTORY).or_throw(quoted(path));
}

/// Waits until cgroup.events says `key` `wanted`; false if it does not until `deadline`. A group
/// that is gone says 0.
bool await_event(const Directory& directory, std::string_view key, std::uint64_t wanted,
                 Deadline deadline) {
  const std::string path = directory.path() + "/cgroup.events";
  sys::Result<UniqueFd> opened = sys::open(path.c_str(), O_RDONLY);
  if (!opened) return wanted == 0;
  const UniqueFd events = std::move(opened).value();
  while (true) {
    // Reading arms poll for the next change; what changed before shows in the text.
    std::array<char, 256> text{};
    (void)sys::lseek(events.get(), 0, SEEK_SET);
    const sys::Result<std::size_t> got = sys::read(events.get(), text.data(), text.size());
    const std::string_view known(text.data(), got ? got.value() : 0);
    if (parse_keyed(known, key).value_or(0) == wanted) return true;
    if (!got || Deadline::clock::now() >= deadline) return false;
    std::array<struct pollfd, 1> wait{{{events.get(), POLLPRI, 0}}};
    (void)sys::poll(wait, milliseconds_until(deadline));
  }
}

std::optional<Bytes> bytes_in(const std::string& path) {
  const std::optional<std::uint64_t> number = parse_number(read_control(path).value_or(""));
  return number ? std::optional(Bytes{*number}) : std::nullopt;
}

/// v2 keeps in one file, or as a difference, what is two values for everybody else: the one that
/// shall stay is read, to be written again.
Limits with_what_stays(Limits limits, const std::string& path) {
  MemoryLimits& memory = limits.memory;
  if (is_set(memory.swap) && *memory.swap != kUnlimited && !is_set(memory.limit)) {
    memory.limit = bytes_in(path + "/memory.max");
    validate(limits);
  }
  CpuLimits& cpu = limits.cpu;
  if (is_set(cpu.period) && !is_set(cpu.quota)) {
    const std::string max = read_control(path + "/cpu.max").value_or("");
    const auto quota = parse_number(std::string_view(max).substr(0, max.find(' ')));
    if (quota) cpu.quota = std::chrono::microseconds(static_cast<std::int64_t>(*quota));
  }
  return limits;
}

/// v2 takes any limit, and kills until it holds.
void require_room(const MemoryLimits& memory, const std::string& path) {
  const std::optional<Bytes> usage = bytes_in(path + "/memory.current");
  if (!is_set(memory.limit) || !usage || *memory.limit >= *usage) return;
  throw Error(ErrorKind::conflict,
              fmt::format("memory limit of {}: {} are in use; hint: a lower limit would kill, if "
                          "the kernel cannot reclaim enough",
                          in_words(*memory.limit), in_words(*usage)));
}

constexpr const char* kProgramName = "mini_docker";

/// The programs that were attached to the group by us. Others' stay: systemd has its own.
std::vector<UniqueFd> our_programs(int group) {
  std::vector<UniqueFd> ours;
  const sys::BpfProgramIds attached = sys::bpf_attached_devices(group).or_throw("device rules");
  for (std::size_t i = 0; i < attached.count; ++i) {
    UniqueFd program = sys::bpf_program_by_id(attached.ids[i]).or_throw("old device rules");
    const auto name = sys::bpf_program_name(program.get()).or_throw("old device rules");
    if (std::string_view(name.data()) == kProgramName) ours.push_back(std::move(program));
  }
  return ours;
}

}  // namespace

void V2Driver::make(const Location& location, std::vector<Directory>& made) const {
  const Directory& directory = location.directories.front();
  const std::string path = directory.path();
  sys::Result<> result = sys::mkdir(path.c_str(), 0755);
  if (result.error() == ENOENT) {
    make_ancestors(directory);
    result = sys::mkdir(path.c_str(), 0755);
  }
  if (was_made(std::move(result), path)) {
    made.push_back(directory);
  } else {
    require_empty(directory);
    require_thawed(directory);
  }
  if (has_common_controllers(path)) return;
  require_domain(directory);
  for (const std::string& above : ancestors(directory)) hand_down(above);
}

void V2Driver::apply(const Location& location, const Limits& limits) const {
  write_controls(location, v2_writes(limits));
}

void V2Driver::update(const Location& location, const Limits& limits) const {
  const std::string path = location.directories.front().path();
  const Limits whole = with_what_stays(limits, path);
  if (whole.memory.check_before_update) require_room(whole.memory, path);
  update_controls(location, v2_writes(whole));
}

void V2Driver::apply_devices(const Location& location, const std::vector<DeviceRule>& rules) const {
  constexpr const char* kHint =
      "device rules of cgroup v2 need CAP_SYS_ADMIN outside of any "
      "user namespace";
  const UniqueFd group = open_directory(location.directories.front());
  const std::vector<struct bpf_insn> program = compile_devices(rules);
  const UniqueFd loaded =
      sys::bpf_load_cgroup_device(program, kProgramName).or_throw("device rules", kHint);
  const std::vector<UniqueFd> old = our_programs(group.get());
  // The new one takes the old one's place: never is there a moment without rules, nor one in which
  // both must agree.
  const int replaced = old.empty() ? -1 : old.front().get();
  sys::bpf_attach_device(group.get(), loaded.get(), replaced).or_throw("device rules", kHint);
  for (std::size_t i = 1; i < old.size(); ++i) {
    sys::bpf_detach_device(group.get(), old[i].get()).or_throw("old device rules");
  }
}

void V2Driver::attach(const Location& location, pid_t pid) const {
  attach_to(location.directories.front(), pid);
}

void V2Driver::kill_all(const Location& location, Deadline deadline) const {
  const Directory& directory = location.directories.front();
  const std::string path = directory.path();
  const std::string file = path + "/cgroup.kill";
  while (true) {
    // One write for the whole tree, whoever forks meanwhile and whoever is frozen (kernel 5.14).
    sys::Result<> killed = write_control_at(AT_FDCWD, file.c_str(), "1");
    const bool may_be_gone = killed.error() == ENOENT || killed.error() == ENODEV;
    if (may_be_gone && !exists(path)) return;
    std::move(killed).or_throw(quoted(file), "the root of a hierarchy has no such file");
    if (await_event(directory, "populated", 0, std::min(deadline, Deadline::clock::now() + kRound)))
      return;
    if (Deadline::clock::now() >= deadline) give_up_killing(directory);
  }
}

void V2Driver::freeze(const Location& location, Deadline deadline) const {
  const Directory& directory = location.directories.front();
  write_control(directory.path() + "/cgroup.freeze", "1");
  if (await_event(directory, "frozen", 1, deadline)) return;
  write_control(directory.path() + "/cgroup.freeze", "0");
  give_up_freezing(directory);
}

void V2Driver::thaw(const Location& location, Deadline deadline) const {
  const Directory& directory = location.directories.front();
  write_control(directory.path() + "/cgroup.freeze", "0");
  if (!await_event(directory, "frozen", 0, deadline)) give_up_thawing(directory);
}

bool V2Driver::is_frozen(const Location& location) const {
  const std::string path = location.directories.front().path();
  return parse_keyed(read_control(path + "/cgroup.events").value_or(""), "frozen") == 1U;
}

void V2Driver::wait_for_change(const Directory& directory, Deadline deadline) const {
  (void)await_event(directory, "populated", 0, deadline);
}

}  // namespace minidocker::cgroups
