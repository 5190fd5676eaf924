#include "streams.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <utility>

#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::shim {
namespace {

/// May the program have it as it is?
bool can_be_given(int fd) {
  const struct stat status = sys::fstat(fd).or_throw("the client's standard stream");
  const bool is_null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
  return S_ISFIFO(status.st_mode) || is_null;
}

}  // namespace

Streams::Streams(StartFds& fds, bool terminal) {
  if (terminal) {
    client_in_ = std::move(fds.in);
    client_out_ = std::move(fds.out);
    return;
  }
  give_input(std::move(fds.in));
  first_output_ = relays_.size();
  give_output(std::move(fds.out), theirs_[1]);
  give_output(std::move(fds.err), theirs_[2]);
}

void Streams::give_input(UniqueFd client) {
  if (can_be_given(client.get())) {
    theirs_[0] = std::move(client);
    return;
  }
  Pipe pipe = Pipe::make();
  sys::set_nonblocking(pipe.write_end.get(), true).or_throw("our end of the program's input");
  relays_.push_back(std::make_unique<Relay>(std::move(client), std::move(pipe.write_end)));
  theirs_[0] = std::move(pipe.read_end);
}

void Streams::give_output(UniqueFd client, UniqueFd& theirs) {
  if (can_be_given(client.get())) {
    theirs = std::move(client);
    return;
  }
  Pipe pipe = Pipe::make();
  sys::set_nonblocking(pipe.read_end.get(), true).or_throw("our end of the program's output");
  relays_.push_back(
      std::make_unique<Relay>(std::move(pipe.read_end), without_waiting(std::move(client))));
  theirs = std::move(pipe.write_end);
}

void Streams::attach_terminal(UniqueFd master) {
  copy_window_size(client_out_.get(), master.get());
  sys::set_nonblocking(master.get(), true).or_throw("master of the program's terminal");
  UniqueFd to_program = sys::dup(master.get()).or_throw("master of the program's terminal");
  UniqueFd from_program = sys::dup(master.get()).or_throw("master of the program's terminal");
  relays_.push_back(std::make_unique<Relay>(std::move(client_in_), std::move(to_program)));
  first_output_ = relays_.size();
  relays_.push_back(
      std::make_unique<Relay>(std::move(from_program), without_waiting(std::move(client_out_))));
  master_ = std::move(master);
}

void Streams::close_theirs() noexcept {
  for (UniqueFd& fd : theirs_) fd.reset();
}

void Streams::add_to(std::vector<struct pollfd>& fds) const {
  for (const auto& relay : relays_) fds.push_back(relay->wants());
}

void Streams::proceed(const struct pollfd* fds) {
  for (std::size_t i = 0; i < relays_.size(); ++i) relays_[i]->proceed(fds[i].revents);
}

void Streams::drain(int client) {
  for (;;) {
    std::vector<struct pollfd> fds;
    bool must_wait = false;  // for a slow reader; never for the program, which has ended
    for (std::size_t i = first_output_; i < relays_.size(); ++i) {
      fds.push_back(relays_[i]->wants());
      must_wait = must_wait || relays_[i]->holds_bytes();
    }
    fds.push_back({client, 0, 0});  // asks for POLLHUP only
    const sys::Result<int> ready = sys::poll(fds, must_wait && client >= 0 ? -1 : 0);
    if (!ready.ok()) continue;  // a signal came
    if (ready.value() == 0 || fds.back().revents != 0) return;
    for (std::size_t i = first_output_; i < relays_.size(); ++i) {
      relays_[i]->proceed(fds[i - first_output_].revents);
    }
  }
}

void Streams::resize(const Resize& size) noexcept {
  struct winsize window{};
  window.ws_row = size.rows;
  window.ws_col = size.columns;
  // A terminal that is gone has no size to change.
  if (master_) static_cast<void>(sys::set_window_size(master_.get(), window).ok());
}

}  // namespace minidocker::shim
