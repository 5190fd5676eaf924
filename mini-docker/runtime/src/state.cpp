#include "minidocker/runtime/state.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/spec/spec.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "recorded_cgroup.hpp"

namespace minidocker::runtime {
namespace {

using Json = nlohmann::ordered_json;

std::string directory_of(const std::string& root, const std::string& id) { return root + "/" + id; }
std::string fifo_of(const std::string& root, const std::string& id) {
  return directory_of(root, id) + "/exec.fifo";
}

std::string write_state(const State& state) {
  const Json json = {{"ociVersion", spec::kOciVersion}, {"id", state.id},
                     {"bundle", state.bundle},          {"rootfs", state.rootfs},
                     {"created", state.created},        {"owner", state.owner},
                     {"cgroup", state.cgroup},          {"ownPids", state.own_pids},
                     {"annotations", state.annotations}};
  return json.dump();
}

/// What state.json says, or that it makes no sense.
State read_state(const std::string& text, const std::string& id) {
  State state;
  try {
    const Json json = Json::parse(text);
    state.id = json.at("id");
    state.bundle = json.at("bundle");
    state.rootfs = json.at("rootfs");
    state.created = json.at("created");
    state.owner = json.at("owner");
    state.cgroup = json.at("cgroup");
    state.own_pids = json.at("ownPids");
    state.annotations = json.at("annotations");
    if (state.id == id) return state;
    state.fault = fmt::format("it is of another container, {}", quoted(state.id));
  } catch (const Json::exception& error) {
    state.fault = error.what();
  }
  State broken;
  broken.id = id;
  broken.fault = fmt::format("state.json is none of ours: {}", state.fault);
  return broken;
}

/// What the link "process" says; false if there is none, as no process was made.
bool read_process(const std::string& directory, State& state) {
  std::array<char, 64> text;
  const sys::Result<std::size_t> size =
      sys::readlinkat(AT_FDCWD, (directory + "/process").c_str(), text.data(), text.size());
  if (size.error() == ENOENT) return false;
  const char* const begin = text.data();
  const char* const end = begin + sys::Result<std::size_t>(size).or_throw(quoted(directory));
  const char* const space = std::find(begin, end, ' ');
  const bool good = std::from_chars(begin, space, state.pid).ptr == space && space != end &&
                    std::from_chars(space + 1, end, state.start_time).ptr == end;
  if (good) return true;
  state.pid = 0;
  state.fault =
      fmt::format("process is not \"PID START-TIME\": {}", quoted(std::string_view(begin, end)));
  return true;
}

[[noreturn]] void throw_no_stat(std::string_view text) {
  throw Error(ErrorKind::invalid_argument, fmt::format("not a /proc/PID/stat: {}", quoted(text)));
}

/// Goes on from `field`, where `rest` begins, to `wanted`, and reads the number there.
std::uint64_t number_in_field(std::string_view& rest, int& field, int wanted,
                              std::string_view text) {
  for (; field < wanted; ++field) {
    const std::size_t space = rest.find(' ');
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || end == rest.data()) throw_no_stat(text);
  return number;
}

bool good_id_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '+' || c == '.' || c == '-';
}

bool is_id(const std::string& text) {
  // The id names directories and cgroups: 255 bytes is what a file's name may have.
  return !text.empty() && text != "." && text != ".." && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), good_id_byte);
}

/// The name alone says little: a `start` may have been killed before it took it away.
bool waits_for_start(const std::string& fifo) {
  return sys::open(fifo.c_str(), O_WRONLY | O_NONBLOCK).ok();  // ENXIO: nobody reads
}

bool is_directory(const std::string& path) {
  const sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
  return status.ok() && S_ISDIR(status.value().st_mode);
}

}  // namespace

std::string_view name_of(Status status) noexcept {
  switch (status) {
    case Status::creating:
      return "creating";
    case Status::created:
      return "created";
    case Status::running:
      return "running";
    case Status::paused:
      return "paused";
    case Status::stopped:
      return "stopped";
    case Status::broken:
      return "broken";
  }
  return "unknown";
}

void check_id(const std::string& id) {
  if (id.empty()) throw Error(ErrorKind::invalid_argument, "container id cannot be empty");
  if (!is_id(id)) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("invalid container id format: {}; it may hold letters, digits and "
                            "any of _ + . -, 255 bytes at most",
                            quoted(id)));
  }
}

StateDir StateDir::make(const std::string& root, const std::string& id) {
  StateDir dir;
  const std::string path = directory_of(root, id);
  sys::Result<> made = sys::mkdir(path.c_str(), 0711);
  if (!made && made.error() == ENOENT) {
    make_dirs(root, 0711);
    made = sys::mkdir(path.c_str(), 0711);
  }
  if (!made && made.error() == EEXIST) {
    throw Error(ErrorKind::conflict,
                fmt::format("container with given ID already exists: {}", quoted(id)));
  }
  std::move(made).or_throw(quoted(path), "--root names a directory that you may write to");
  dir.path_ = path;
  dir.maker_ = sys::own_pid();
  return dir;
}

StateDir::StateDir(StateDir&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      maker_(other.maker_),
      has_fifo_(other.has_fifo_),
      has_process_(other.has_process_) {}

StateDir& StateDir::operator=(StateDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(maker_, other.maker_);
  std::swap(has_fifo_, other.has_fifo_);
  std::swap(has_process_, other.has_process_);
  return *this;
}

StateDir::~StateDir() {
  if (path_.empty() || sys::own_pid() != maker_) return;
  try {
    remove();
  } catch (const std::exception&) {
    // Left for `delete --force`, which says why it cannot be removed.
  }
}

void StateDir::save(const State& state) const {
  // No other name first: nobody can take it for whole before there is a process.
  const std::string path = path_ + "/state.json";
  const UniqueFd file =
      sys::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600).or_throw(quoted(path));
  write_all(file.get(), write_state(state), path);
}

void StateDir::record_process(pid_t pid, std::uint64_t start_time) {
  const std::string path = path_ + "/process";
  sys::symlinkat(fmt::format("{} {}", pid, start_time).c_str(), AT_FDCWD, path.c_str())
      .or_throw(quoted(path));
  has_process_ = true;
}

UniqueFd StateDir::make_fifo() {
  const std::string path = path_ + "/exec.fifo";
  sys::mknodat(AT_FDCWD, path.c_str(), S_IFIFO | 0600, 0).or_throw(quoted(path));
  has_fifo_ = true;
  return sys::open(path.c_str(), O_RDWR).or_throw(quoted(path));
}

void StateDir::remove() {
  const std::string path = std::exchange(path_, {});
  // The names it can hold; the last one is what find_state looks for.
  if (has_fifo_) static_cast<void>(sys::unlink((path + "/exec.fifo").c_str()));
  if (has_process_) static_cast<void>(sys::unlink((path + "/process").c_str()));
  static_cast<void>(sys::unlink((path + "/state.json").c_str()));
  sys::Result<> removed = sys::rmdir(path.c_str());
  if (!removed && removed.error() == ENOENT) return;
  if (!removed) remove_tree(path);
}

std::optional<State> find_state(const std::string& root, const std::string& id) {
  check_id(id);
  const std::string directory = directory_of(root, id);
  if (const std::optional<std::string> text = find_file(directory + "/state.json")) {
    State state = read_state(*text, id);
    const bool has_process = read_process(directory, state);
    // Without a process it may be half written: the creation goes on, or was cut off there.
    if (has_process || state.fault.empty()) return state;
  } else if (!exists(directory)) {
    return std::nullopt;
  }
  State cut_off;
  cut_off.id = id;
  return cut_off;
}

State get_state(const std::string& root, const std::string& id) {
  const std::optional<State> state = find_state(root, id);
  if (!state) {
    throw Error(ErrorKind::not_found, fmt::format("container does not exist: {}", quoted(id)));
  }
  if (state->fault.empty()) return *state;
  throw Error(ErrorKind::internal,
              fmt::format("{}: {}; hint: `delete --force {}` removes the directory",
                          quoted(directory_of(root, id)), state->fault, id));
}

std::vector<std::string> list_ids(const std::string& root) {
  if (!exists(root)) return {};
  std::vector<std::string> names = list_dir(root);
  std::erase_if(names, [&](const std::string& name) {
    return !is_id(name) || !is_directory(directory_of(root, name));
  });
  return names;
}

ProcessIdentity parse_stat(std::string_view text) {
  // The second field, the name, may hold anything, even ") 3 S"; the last ")" ends it.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 3 > text.size()) throw_no_stat(text);
  std::string_view rest = text.substr(name_end + 2);
  ProcessIdentity identity;
  identity.zombie = rest[0] == 'Z' || rest[0] == 'X';
  int field = 3;
  constexpr std::uint64_t kForkedOnly = 0x40;  // PF_FORKNOEXEC, linux/sched.h
  identity.has_executed = (number_in_field(rest, field, 9, text) & kForkedOnly) == 0;
  identity.start_time = number_in_field(rest, field, 22, text);
  return identity;
}

std::optional<ProcessIdentity> identify_process(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  sys::Result<UniqueFd> file = sys::open(path.c_str(), O_RDONLY);
  if (!file && file.error() == ENOENT) return std::nullopt;
  const UniqueFd fd = std::move(file).or_throw(quoted(path));
  std::array<char, 1024> text{};
  const sys::Result<std::size_t> size = sys::read(fd.get(), text.data(), text.size());
  if (!size && size.error() == ESRCH) return std::nullopt;  // it ended while we looked
  return parse_stat({text.data(), sys::Result<std::size_t>(size).or_throw(quoted(path))});
}

std::optional<UniqueFd> open_process(const State& state) {
  if (state.pid <= 0) return std::nullopt;
  sys::Result<UniqueFd> pidfd = sys::pidfd_open(state.pid);
  if (!pidfd) return std::nullopt;
  // First the descriptor, then the question who it is: the answer then holds for the descriptor.
  const std::optional<ProcessIdentity> identity = identify_process(state.pid);
  if (!identity || identity->zombie || identity->start_time != state.start_time) {
    return std::nullopt;
  }
  return std::move(pidfd).value();
}

Status status_of(const std::string& root, const State& state) {
  if (!state.fault.empty()) return Status::broken;
  if (state.pid == 0) return Status::creating;
  const std::optional<ProcessIdentity> identity = identify_process(state.pid);
  if (!identity || identity->zombie || identity->start_time != state.start_time) {
    return Status::stopped;
  }
  if (is_frozen(state.cgroup)) return Status::paused;
  return waits_for_start(fifo_of(root, state.id)) ? Status::created : Status::running;
}

std::string to_json(const State& state, Status status) {
  Json json = {{"ociVersion", spec::kOciVersion},
               {"id", state.id},
               {"pid", status == Status::stopped ? 0 : state.pid},
               {"status", name_of(status)},
               {"bundle", state.bundle},
               {"rootfs", state.rootfs},
               {"created", state.created}};
  if (!state.annotations.empty()) json["annotations"] = state.annotations;
  json["owner"] = state.owner;
  return json.dump(2);
}

}  // namespace minidocker::runtime
