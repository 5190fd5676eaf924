#include "minidocker/namespaces/kinds.hpp"

#include <linux/sched.h>

#include <array>

namespace minidocker::namespaces {
namespace {

struct KindRow {
  Kind kind;
  const char* name;
  std::uint64_t flag;
};

constexpr std::array<KindRow, 8> kKinds{{
    {Kind::pid, "pid", CLONE_NEWPID},
    {Kind::net, "net", CLONE_NEWNET},
    {Kind::ipc, "ipc", CLONE_NEWIPC},
    {Kind::mnt, "mnt", CLONE_NEWNS},  // the first one ever, hence the general name
    {Kind::uts, "uts", CLONE_NEWUTS},
    {Kind::user, "user", CLONE_NEWUSER},
    {Kind::cgroup, "cgroup", CLONE_NEWCGROUP},
    {Kind::time, "time", CLONE_NEWTIME},
}};

const KindRow& row_of(Kind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)]; }

}  // namespace

std::span<const Kind> all_kinds() noexcept {
  static constexpr std::array<Kind, 8> kAll{Kind::pid, Kind::net,  Kind::ipc,    Kind::mnt,
                                            Kind::uts, Kind::user, Kind::cgroup, Kind::time};
  return kAll;
}

std::uint64_t clone_flag(Kind kind) noexcept { return row_of(kind).flag; }

const char* proc_name(Kind kind) noexcept { return row_of(kind).name; }

std::uint64_t all_clone_flags() noexcept {
  std::uint64_t flags = 0;
  for (const KindRow& row : kKinds) flags |= row.flag;
  return flags;
}

std::string in_words(std::uint64_t flags) {
  std::string words;
  for (const KindRow& row : kKinds) {
    if ((flags & row.flag) == 0) continue;
    if (!words.empty()) words += ", ";
    words += row.name;
  }
  return words.empty() ? "none" : words;
}

}  // namespace minidocker::namespaces
