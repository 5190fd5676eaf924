#include "minidocker/runtime/relay.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::runtime {
namespace {

/// POLLOUT promises room for this much in a pipe (PIPE_BUF) and in a socket.
constexpr std::size_t kNeverBlocks = 4096;

bool is_not_now(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

Sink without_waiting(UniqueFd fd) {
  const struct stat status = sys::fstat(fd.get()).or_throw("the client's standard stream");
  if (S_ISREG(status.st_mode)) return {std::move(fd), /*may_block=*/false};
  if (!S_ISFIFO(status.st_mode) && !is_terminal(fd.get())) return {std::move(fd)};
  sys::Result<UniqueFd> again =
      sys::open(FdPath(fd.get()).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY);
  if (!again.ok()) return {std::move(fd)};
  return {std::move(again).value(), /*may_block=*/false};
}

Relay::Relay(UniqueFd from, Sink to)
    : from_(std::move(from)),
      to_(std::move(to.fd)),
      piece_(to.may_block ? kNeverBlocks : buffer_.size()) {}

struct pollfd Relay::wants() const noexcept {
  if (is_done()) return {-1, 0, 0};
  if (holds_bytes()) return {to_.get(), POLLOUT, 0};
  return {from_.get(), POLLIN, 0};
}

void Relay::proceed(short revents) {
  if (revents == 0 || is_done()) return;
  if (!holds_bytes()) fill();
  if (holds_bytes()) flush();
}

void Relay::fill() {
  const sys::Result<std::size_t> got = sys::read(from_.get(), buffer_.data(), buffer_.size());
  if (!got.ok() && is_not_now(got.error())) return;
  // EIO is how a terminal says that its other side is closed, or that ours is gone.
  if (!got.ok() || got.value() == 0) return finish();
  begin_ = 0;
  end_ = got.value();
}

void Relay::flush() {
  const std::size_t size = std::min(end_ - begin_, piece_);
  const sys::Result<std::size_t> put = sys::write(to_.get(), buffer_.data() + begin_, size);
  if (!put.ok() && is_not_now(put.error())) return;
  if (!put.ok()) return finish();  // EPIPE, EIO, ENOSPC: nobody takes it any more
  begin_ += put.value();
}

void Relay::finish() noexcept {
  begin_ = end_ = 0;
  from_.reset();
  to_.reset();
}

}  // namespace minidocker::runtime
