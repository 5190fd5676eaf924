#include "minidocker/testing/observe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace minidocker::testing {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw std::runtime_error(what + " " + path + ": " + std::strerror(errno));
}

std::string proc(pid_t pid, const std::string& file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

std::string trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The fields of /proc/PID/stat after the name, which may itself hold blanks and brackets.
std::vector<std::string> stat_fields(pid_t pid) {
  const std::string text = find_text(proc(pid, "stat")).value_or("");
  const auto bracket = text.rfind(')');
  std::vector<std::string> fields;
  if (bracket == std::string::npos) return fields;
  std::stringstream rest(text.substr(bracket + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

}  // namespace

std::optional<std::string> find_text(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  const int error = errno;
  ::close(fd);
  errno = error;
  if (got < 0) return std::nullopt;
  return text;
}

std::string read_text(const std::string& path) {
  std::optional<std::string> text = find_text(path);
  if (!text) fail("read", path);
  return *text;
}

void write_text(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail("open", path);
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  errno = error;
  if (written != static_cast<ssize_t>(text.size())) fail("write", path);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string link_target(const std::string& path) {
  char buffer[4096];
  const ssize_t size = ::readlink(path.c_str(), buffer, sizeof(buffer));
  if (size < 0) fail("readlink", path);
  return {buffer, static_cast<std::size_t>(size)};
}

std::vector<std::string> files_below(const std::string& dir) {
  std::vector<std::string> paths;
  std::error_code error;
  const auto skip = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator at(dir, skip, error);
  // A tree that changes while it is read ends the walk of the changed part, not the test.
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    paths.push_back(at->path().lexically_relative(dir).string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

ino_t namespace_inode(pid_t pid, const std::string& name) {
  const std::string target = link_target(proc(pid, "ns/" + name));
  const auto bracket = target.find('[');
  if (bracket == std::string::npos) throw std::runtime_error("no namespace: " + target);
  return std::strtoull(target.c_str() + bracket + 1, nullptr, 10);
}

std::string status_field(pid_t pid, const std::string& field) {
  for (const std::string& line : lines_of(read_text(proc(pid, "status")))) {
    if (line.rfind(field + ":", 0) == 0) return trim(line.substr(field.size() + 1));
  }
  throw std::runtime_error("no field " + field + " in " + proc(pid, "status"));
}

std::vector<pid_t> pids_in_namespaces(pid_t pid) {
  std::vector<pid_t> pids;
  std::stringstream stream(status_field(pid, "NSpid"));
  for (pid_t one = 0; stream >> one;) pids.push_back(one);
  return pids;
}

std::uint64_t capabilities(pid_t pid, const std::string& field) {
  return std::strtoull(status_field(pid, field).c_str(), nullptr, 16);
}

std::vector<std::string> limit_of(pid_t pid, const std::string& name) {
  for (const std::string& line : lines_of(read_text(proc(pid, "limits")))) {
    if (line.rfind(name + " ", 0) != 0) continue;
    std::stringstream stream(line.substr(name.size()));
    std::string soft;
    std::string hard;
    stream >> soft >> hard;
    return {soft, hard};
  }
  throw std::runtime_error("no limit " + name + " in " + proc(pid, "limits"));
}

std::vector<std::string> mounts_of(pid_t pid) {
  return lines_of(read_text(proc(pid, "mountinfo")));
}

std::vector<std::string> mount_points_of(pid_t pid) {
  std::vector<std::string> points;
  for (const std::string& line : mounts_of(pid)) {
    std::stringstream stream(line);
    std::string field;
    for (int i = 0; i < 5; ++i) stream >> field;
    points.push_back(field);
  }
  return points;
}

std::map<std::string, std::string> cgroups_of(pid_t pid) {
  std::map<std::string, std::string> groups;
  for (const std::string& line : lines_of(read_text(proc(pid, "cgroup")))) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    std::stringstream controllers(line.substr(first + 1, second - first - 1));
    const std::string path = line.substr(second + 1);
    if (second == first + 1) groups[""] = path;
    for (std::string name; std::getline(controllers, name, ',');) groups[name] = path;
  }
  return groups;
}

std::map<int, std::string> open_fds(pid_t pid) {
  std::map<int, std::string> fds;
  const std::string dir = proc(pid, "fd");
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    char target[4096];
    const ssize_t size = ::readlink(entry.path().c_str(), target, sizeof(target));
    if (size < 0) continue;
    const std::string text(target, static_cast<std::size_t>(size));
    // The descriptor that reads this very directory is no finding.
    if (pid == ::getpid() && text == dir) continue;
    fds[std::atoi(name.c_str())] = text;
  }
  if (error) throw std::runtime_error("read " + dir + ": " + error.message());
  return fds;
}

bool is_close_on_exec(pid_t pid, int fd) {
  for (const std::string& line : lines_of(read_text(proc(pid, "fdinfo/" + std::to_string(fd))))) {
    if (line.rfind("flags:", 0) == 0) {
      return (std::strtoul(trim(line.substr(6)).c_str(), nullptr, 8) & O_CLOEXEC) != 0;
    }
  }
  throw std::runtime_error("no flags in fdinfo");
}

std::vector<std::string> command_line(pid_t pid) {
  std::vector<std::string> arguments;
  std::stringstream stream(read_text(proc(pid, "cmdline")));
  for (std::string argument; std::getline(stream, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

pid_t parent_of(pid_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  return fields.size() < 2 ? 0 : std::atoi(fields[1].c_str());
}

char state_of(pid_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  return fields.empty() ? '-' : fields[0][0];
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::multimap<pid_t, pid_t> children;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const pid_t one = std::atoi(entry.path().filename().c_str());
    if (one > 0) children.emplace(parent_of(one), one);
  }
  std::vector<pid_t> found{pid};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [begin, end] = children.equal_range(found[i]);
    for (auto child = begin; child != end; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

bool wait_for_end(pid_t pid, std::chrono::milliseconds limit) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  struct pollfd poll{fd, POLLIN, 0};
  const int ready = ::poll(&poll, 1, static_cast<int>(limit.count()));
  ::close(fd);
  return ready == 1;
}

}  // namespace minidocker::testing
