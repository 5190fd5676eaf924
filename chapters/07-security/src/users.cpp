#include "minidocker/security/users.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/null_device.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::security {
namespace {

constexpr std::size_t kMaxFile = 4 * 1024 * 1024;
constexpr std::size_t kMaxLine = 4096;

/// The errnos by which LookupUser tells what is wrong with the name; see user_error().
constexpr int kNoSuchUser = ENOKEY;
constexpr int kNoSuchGroup = ENOPKG;
constexpr int kBadId = ERANGE;
constexpr int kTooManyGroups = E2BIG;

int errno_of(UserError error) noexcept {
  switch (error) {
    case UserError::none:
      return 0;
    case UserError::no_such_user:
      return kNoSuchUser;
    case UserError::no_such_group:
      return kNoSuchGroup;
    case UserError::bad_id:
      return kBadId;
    case UserError::too_many_groups:
      return kTooManyGroups;
  }
  return EINVAL;
}

/// Hands the lines of a file to `take` until it answers false. A line longer than the buffer is
/// passed over whole: what is not read is not believed in part. Allocates nothing.
template <class Take>
StepResult for_each_line(int fd, Take take) noexcept {
  std::array<char, kMaxLine> buffer;
  std::size_t used = 0;
  bool overlong = false;
  for (std::size_t total = 0; total <= kMaxFile;) {
    const sys::Result<std::size_t> got = sys::read(fd, buffer.data() + used, buffer.size() - used);
    if (!got) return got;
    if (got.value() == 0) {
      if (used > 0 && !overlong) (void)take(std::string_view(buffer.data(), used));
      return StepResult::ok();
    }
    total += got.value();
    used += got.value();
    std::string_view rest(buffer.data(), used);
    for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (!std::exchange(overlong, false) && !take(line)) return StepResult::ok();
    }
    overlong = overlong || rest.size() == buffer.size();
    used = overlong ? 0 : rest.size();
    std::memmove(buffer.data(), rest.data(), used);
  }
  return StepResult::failure(EFBIG);
}

/// Opens a file of the image; absent is fine, then `fd` stays -1. O_NONBLOCK: a FIFO in its place,
/// which would block the open for ever, has nothing to read.
StepResult open_database(int root, const char* path, int& fd) noexcept {
  sys::Result<UniqueFd> opened = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (opened.error() == ENOENT || opened.error() == ENOTDIR) return StepResult::ok();
  if (!opened) return opened;
  fd = std::move(opened).value().release();  // execve closes it
  return StepResult::ok();
}

template <class Take>
StepResult read_database(int root, const char* path, Take take) noexcept {
  int fd = -1;
  const StepResult opened = open_database(root, path, fd);
  if (!opened || fd < 0) return opened;
  return for_each_line(fd, take);
}

}  // namespace

StepResult LookupUser::run(ChildContext&) const noexcept {
  UserSearch search(user, *slot);
  const StepResult users = read_database(*root, "/etc/passwd", [&](std::string_view line) {
    search.take_passwd_line(line);
    return search.wants_passwd();
  });
  if (!users) return users;
  if (search.wants_group()) {
    const StepResult groups = read_database(*root, "/etc/group", [&](std::string_view line) {
      search.take_group_line(line);
      return search.wants_group();
    });
    if (!groups) return groups;
  }
  return StepResult::failure(errno_of(search.finish()));
}

std::string LookupUser::describe() const {
  return fmt::format("look up user {} in the container's /etc/passwd and /etc/group", quoted(user));
}

StepResult LookupHome::run(ChildContext&) const noexcept {
  const uid_t uid = slot->uid;
  const StepResult read = read_database(*root, "/etc/passwd", [&](std::string_view line) {
    const std::optional<PasswdEntry> entry = parse_passwd_line(line);
    if (!entry || entry->uid != uid) return true;
    (void)slot->set_home(entry->home);
    return false;
  });
  // The ids are known: a broken passwd file is no reason not to start.
  (void)read;
  return StepResult::ok();
}

std::string LookupHome::describe() const {
  return fmt::format("look up the home directory of uid {} in the container's /etc/passwd",
                     slot->uid);
}

std::string user_error(std::string_view user, int error) {
  const std::size_t colon = std::min(user.find(':'), user.size());
  switch (error) {
    case kNoSuchUser:
      return fmt::format("unable to find user {}: no matching entries in passwd file",
                         user.substr(0, colon));
    case kNoSuchGroup:
      return fmt::format("unable to find group {}: no matching entries in group file",
                         user.substr(std::min(colon + 1, user.size())));
    case kBadId:
      return fmt::format("user {}: uids and gids must be in range 0-2147483647", quoted(user));
    case kTooManyGroups:
      return fmt::format("user {} is in more than {} groups", quoted(user), UserSlot::kMaxGroups);
    default:
      return {};
  }
}

StepResult FillHome::run(ChildContext&) const noexcept {
  std::memcpy(variable->text.data() + 5, slot->home.data(), slot->home.size());
  return StepResult::ok();
}

std::string FillHome::describe() const { return "set HOME to the user's home directory"; }

StepResult SetGroups::run(ChildContext&) const noexcept {
  const sys::Result<> set = sys::setgroups(slot->groups.data(), slot->group_count);
  const bool stay = set.error() == EPERM && denied == GroupsDenied::is_accepted;
  return stay ? StepResult::ok() : StepResult(set);
}

std::string SetGroups::describe() const {
  const auto end = slot->groups.begin() + static_cast<std::ptrdiff_t>(slot->group_count);
  return fmt::format("set the supplementary groups [{}]",
                     fmt::join(slot->groups.begin(), end, " "));
}

StepResult SetIds::run(ChildContext&) const noexcept {
  const sys::Result<> group = sys::setresgid(slot->gid);
  if (!group) return group;
  return sys::setresuid(slot->uid);
}

std::string SetIds::describe() const {
  if (who != nullptr) return fmt::format("become user {}", quoted(who));
  return fmt::format("become uid {}, gid {}", slot->uid, slot->gid);
}

StepResult OwnStdio::run(ChildContext&) const noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const sys::Result<struct stat> status = sys::fstat(fd);
    if (!status) return status;
    if (status.value().st_uid == slot->uid || is_null_device(status.value())) continue;
    const sys::Result<> given = sys::fchownat(fd, "", slot->uid, slot->gid, AT_EMPTY_PATH);
    const int error = given.error();
    if (!given && error != EINVAL && error != EPERM && error != EROFS) return given;
  }
  return StepResult::ok();
}

std::string OwnStdio::describe() const {
  return "make the user the owner of standard input, output and error";
}

}  // namespace minidocker::security
