#include "served_mount.hpp"

#include <sys/mount.h>

#include <array>
#include <csignal>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/unionfs/fuse_overlay.hpp"
#include "own_mounts.hpp"

namespace minidocker::shim {
namespace {

/// How long a server may take to notice that it is not mounted any more.
constexpr int kPatienceMs = 10'000;

}  // namespace

ServedMount::ServedMount(const ServedRoot& root)
    : target_(root.overlay.target), upper_(unionfs::UpperLease::take(root.overlay.upper)) {
  const OverlayRoot& overlay = root.overlay;
  unionfs::FuseOverlay served = unionfs::start_fuse_overlay(
      root.program,
      {overlay.lowers, overlay.upper, overlay.work,
       overlay.is_volatile ? unionfs::UpperSync::never : unionfs::UpperSync::on_unmount});
  enter_own_mounts();
  unionfs::attach(served, target_);
  // Whoever reaps our orphans may find it ended before we look: a pidfd tells that nevertheless.
  server_ = std::move(served.server.release().second);
}

ServedMount::~ServedMount() {
  if (!server_) return;
  static_cast<void>(sys::umount2(target_.c_str(), MNT_DETACH).ok());
  stop_server();
}

void ServedMount::end() {
  sys::umount2(target_.c_str(), 0).or_throw(quoted(target_));
  stop_server();
}

void ServedMount::stop_server() noexcept {
  std::array<struct pollfd, 1> ended{{{server_.get(), POLLIN, 0}}};
  const sys::Result<int> ready = sys::poll(ended, kPatienceMs);
  const bool has_ended = ready.ok() && ready.value() > 0;
  if (!has_ended) static_cast<void>(sys::pidfd_send_signal(server_.get(), SIGKILL).ok());
  server_.reset();
}

}  // namespace minidocker::shim
