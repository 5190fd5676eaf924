#include "minidocker/namespaces/console.hpp"

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::namespaces {
namespace {

/// Binds an open file on a name in the root, by descriptors on both sides: /proc/self/fd, which
/// mount(2) would need, is not there any more after the pivot.
sys::Result<> bind_on_file(int file, int root, const char* name) noexcept {
  const sys::Result<UniqueFd> target = make_file_in_root(root, name, 0600);
  if (!target) return sys::Result<>(target);
  const sys::Result<UniqueFd> tree = sys::open_tree(file, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  if (!tree) return sys::Result<>(tree);
  return sys::move_mount(tree.value().get(), "", target.value().get(), "",
                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

}  // namespace

StepResult NewSession::run(ChildContext&) const noexcept { return sys::setsid(); }

std::string NewSession::describe() const { return "begin a session of its own"; }

StepResult OpenConsole::run(ChildContext&) const noexcept {
  sys::Result<UniqueFd> opened = open_in_root(*root, "dev/pts/ptmx", O_RDWR | O_NOCTTY);
  if (!opened) return opened;
  sys::Result<UniqueFd> peer = open_peer(opened.value().get());
  if (!peer) return peer;
  if (size.ws_row != 0 || size.ws_col != 0) {
    const sys::Result<> sized = sys::set_window_size(opened.value().get(), size);
    if (!sized) return sized;
  }
  if (console != nullptr) {
    const sys::Result<> bound = bind_on_file(peer.value().get(), *root, console);
    if (!bound) return bound;
  }
  *master = opened.value().release();
  *slave = peer.value().release();
  return StepResult::ok();
}

std::string OpenConsole::describe() const {
  std::string words = "open a terminal of the container's own devpts";
  if (size.ws_row != 0 || size.ws_col != 0) {
    words += fmt::format(" ({} columns, {} rows)", size.ws_col, size.ws_row);
  }
  if (console != nullptr) words += fmt::format(" and bind it on {}", quoted(console));
  return words;
}

StepResult TakeTerminal::run(ChildContext& context) const noexcept {
  const sys::Result<int> taken = sys::ioctl_number(*slave, TIOCSCTTY, "TIOCSCTTY", 0);
  if (!taken) return taken;
  return StdioTo{{*slave, *slave, *slave}}.run(context);
}

std::string TakeTerminal::describe() const {
  return "make the terminal the session's, and standard input, output and error";
}

StepResult StdioTo::run(ChildContext&) const noexcept {
  for (int target = 0; target < 3; ++target) {
    const int fd = fds[static_cast<std::size_t>(target)];
    if (fd < 0) continue;
    const sys::Result<> passed = sys::pass_on_as(fd, target);
    if (!passed) return passed;
  }
  return StepResult::ok();
}

std::string StdioTo::describe() const {
  return fmt::format("make descriptors {}, {}, {} standard input, output and error", fds[0], fds[1],
                     fds[2]);
}

StepResult CloseSlot::run(ChildContext&) const noexcept {
  const int closing = *fd;
  *fd = -1;
  return sys::close(closing);
}

std::string CloseSlot::describe() const { return fmt::format("close {}", what); }

}  // namespace minidocker::namespaces
