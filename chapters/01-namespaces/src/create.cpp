#include "minidocker/namespaces/create.hpp"

#include <linux/sched.h>

#include <optional>

#include <fmt/format.h>

#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/numbers.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::namespaces {

StepResult UnshareNamespaces::run(ChildContext&) const noexcept { return sys::unshare(flags); }

std::string UnshareNamespaces::describe() const {
  return fmt::format("make new namespaces: {}", in_words(flags));
}

StepResult CloneSibling::run(ChildContext& context) const noexcept {
  // A sibling gets the exit signal of the one who clones it; asking for one is EINVAL.
  sys::Result<sys::Cloned> cloned =
      sys::clone3({.flags = flags | CLONE_PARENT, .exit_signal = 0, .cgroup = -1});
  if (!cloned) return cloned;
  if (cloned.value().pid != 0) sys::exit_group(0);
  const sys::Result<UniqueFd> self = sys::pidfd_open(sys::own_pid());
  if (!self) return self;
  const int fd = self.value().get();
  return SendFd{&fd, "the pidfd of the sibling"}.run(context);
}

std::string CloneSibling::describe() const {
  const char* const purpose = "clone a sibling that goes on in the namespaces chosen so far";
  if (flags == 0) return purpose;
  return fmt::format("{}, and in new ones: {}", purpose, in_words(flags));
}

pid_t parse_pidfd_info(std::string_view fdinfo) {
  constexpr std::string_view kKey = "\nPid:\t";
  const std::size_t begin = fdinfo.find(kKey);
  if (begin != std::string_view::npos) {
    const std::string_view rest = fdinfo.substr(begin + kKey.size());
    if (const auto pid = parse_number<pid_t>(rest.substr(0, rest.find('\n')))) return *pid;
  }
  throw Error(ErrorKind::invalid_argument, "not a pidfd: its fdinfo has no line \"Pid:\"");
}

pid_t pid_of_pidfd(int fd) {
  const pid_t pid = parse_pidfd_info(read_file(fmt::format("/proc/self/fdinfo/{}", fd)));
  if (pid > 0) return pid;
  throw Error(ErrorKind::not_found, fmt::format("descriptor {}: {}", fd,
                                                pid == 0 ? "its process is not in our PID namespace"
                                                         : "its process has ended"));
}

}  // namespace minidocker::namespaces
