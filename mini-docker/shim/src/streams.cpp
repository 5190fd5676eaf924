#include "streams.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "minidocker/toolbox/null_device.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::shim {
namespace {

bool is_null(const UniqueFd& stream) {
  return is_null_device(sys::fstat(stream.get()).or_throw("the client's standard stream"));
}

/// Our own end of a pipe to the program.
runtime::Sink to_program(UniqueFd fd) {
  sys::set_nonblocking(fd.get(), true).or_throw("our end of the program's input");
  return {std::move(fd), /*may_block=*/false};
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
  if (is_null(client)) {
    theirs_[0] = std::move(client);
    return;
  }
  Pipe pipe = Pipe::make();
  relays_.push_back(
      std::make_unique<runtime::Relay>(std::move(client), to_program(std::move(pipe.write_end))));
  theirs_[0] = std::move(pipe.read_end);
}

void Streams::give_output(UniqueFd client, UniqueFd& theirs) {
  if (is_null(client)) {
    theirs = std::move(client);
    return;
  }
  Pipe pipe = Pipe::make();
  sys::set_nonblocking(pipe.read_end.get(), true).or_throw("our end of the program's output");
  relays_.push_back(std::make_unique<runtime::Relay>(std::move(pipe.read_end),
                                                     runtime::without_waiting(std::move(client))));
  theirs = std::move(pipe.write_end);
}

void Streams::attach_terminal(UniqueFd master) {
  copy_window_size(client_out_.get(), master.get());
  sys::set_nonblocking(master.get(), true).or_throw("master of the program's terminal");
  UniqueFd typed = sys::dup(master.get()).or_throw("master of the program's terminal");
  UniqueFd from_program = sys::dup(master.get()).or_throw("master of the program's terminal");
  relays_.push_back(
      std::make_unique<runtime::Relay>(std::move(client_in_), to_program(std::move(typed))));
  first_output_ = relays_.size();
  relays_.push_back(std::make_unique<runtime::Relay>(
      std::move(from_program), runtime::without_waiting(std::move(client_out_))));
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

void Streams::end_input() noexcept {
  relays_.erase(relays_.begin(), relays_.begin() + static_cast<std::ptrdiff_t>(first_output_));
  first_output_ = 0;
}

bool Streams::holds_output() const noexcept {
  return std::any_of(relays_.begin() + static_cast<std::ptrdiff_t>(first_output_), relays_.end(),
                     [](const auto& relay) { return relay->holds_bytes(); });
}

void Streams::resize(const Resize& size) noexcept {
  struct winsize window{};
  window.ws_row = size.rows;
  window.ws_col = size.columns;
  // A terminal that is gone has no size to change.
  if (master_) static_cast<void>(sys::set_window_size(master_.get(), window).ok());
}

}  // namespace minidocker::shim
