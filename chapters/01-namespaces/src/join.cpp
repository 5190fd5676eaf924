#include "minidocker/namespaces/join.hpp"

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::namespaces {

UniqueFd open_namespace(const std::string& path, Kind kind) {
  UniqueFd fd = sys::open(path.c_str(), O_RDONLY).or_throw(path);
  const sys::Result<std::uint64_t> type = sys::ns_type(fd.get());
  if (!type) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: not a namespace, wanted one of kind {}; give a file like "
                            "/proc/PID/ns/{}, or a bind mount of one",
                            path, proc_name(kind), proc_name(kind)));
  }
  if (type.value() != clone_flag(kind)) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: a namespace of kind {}, wanted one of kind {}", path,
                            in_words(type.value()), proc_name(kind)));
  }
  return fd;
}

StepResult JoinNamespace::run(ChildContext&) const noexcept {
  return sys::setns(fd, clone_flag(kind));
}

std::string JoinNamespace::describe() const {
  return fmt::format("join the {} namespace behind descriptor {}", proc_name(kind), fd);
}

StepResult JoinProcess::run(ChildContext&) const noexcept { return sys::setns(pidfd, flags); }

std::string JoinProcess::describe() const {
  return fmt::format("join these namespaces of the process behind descriptor {}: {}", pidfd,
                     in_words(flags));
}

}  // namespace minidocker::namespaces
