#include "foreign_user.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "minidocker/security/users.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::shim {
namespace {

/// The step of our own runtime's child, run here: what it opens stays open until we end.
security::UserSlot look_up(const std::string& user, const std::string& root) {
  const UniqueFd directory = sys::open(root.c_str(), O_PATH | O_DIRECTORY).or_throw(root);
  const int root_fd = directory.get();
  security::UserSlot slot;
  ChildContext context;
  const StepResult result = security::LookupUser{&root_fd, user.c_str(), &slot}.run(context);
  if (result) return slot;
  const std::string words = security::user_error(user, result.error);
  if (!words.empty()) throw Error(ErrorKind::invalid_argument, words);
  throw SystemError("look up user", root + "/etc/passwd", result.error);
}

/// As after an execve(2): root may use all that is in the bounding set, others nothing.
void fit_capabilities(spec::Capabilities& sets, uid_t uid) {
  sets.permitted = uid == 0 ? sets.bounding : std::vector<std::string>{};
  sets.effective = sets.permitted;
}

}  // namespace

void resolve_user(spec::Process& process, const std::string& user, const std::string& root) {
  const security::UserSlot slot = look_up(user, root);
  process.user.uid = slot.uid;
  if (process.capabilities) fit_capabilities(*process.capabilities, slot.uid);
  process.user.gid = slot.gid;
  process.user.additional_gids.assign(
      slot.groups.begin(), slot.groups.begin() + static_cast<std::ptrdiff_t>(slot.group_count));
  const bool has_home = std::ranges::any_of(
      process.env, [](const std::string& entry) { return entry.starts_with("HOME="); });
  if (!has_home) process.env.push_back(std::string("HOME=") + slot.home.data());
}

}  // namespace minidocker::shim
