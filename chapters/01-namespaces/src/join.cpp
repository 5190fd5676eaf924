#include "minidocker/namespaces/join.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::namespaces {
namespace {

/// The user namespace that owns a namespace; nothing if the kernel does not show it to us.
std::optional<NamespaceId> find_owner(int fd) {
  const sys::Result<UniqueFd> owner = sys::ns_owner(fd);
  if (!owner) return std::nullopt;
  const struct stat status = sys::fstat(owner.value().get()).or_throw("owner of a namespace");
  return NamespaceId{status.st_dev, status.st_ino};
}

}  // namespace

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

std::vector<std::size_t> join_order(std::span<const OwnedNamespace> wanted,
                                    const NamespaceId& own) {
  const auto turn_of = [&own](const OwnedNamespace& ns) {
    if (ns.kind == Kind::user) return 1;
    return ns.owner == own ? 0 : 2;
  };
  std::vector<std::size_t> order;
  for (const int turn : {0, 1, 2}) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (turn_of(wanted[i]) == turn) order.push_back(i);
    }
  }
  return order;
}

std::vector<std::size_t> join_order(std::span<const NamespaceToJoin> wanted) {
  const bool joins_user = std::any_of(wanted.begin(), wanted.end(), [](const NamespaceToJoin& ns) {
    return ns.kind == Kind::user;
  });
  std::vector<OwnedNamespace> owned;
  for (const NamespaceToJoin& ns : wanted) {
    // Without a user namespace among them one order is as good as another.
    owned.push_back({ns.kind, joins_user ? find_owner(ns.fd) : std::nullopt});
  }
  return join_order(owned, joins_user ? identify(0, Kind::user) : NamespaceId{});
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
