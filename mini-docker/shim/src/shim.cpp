#include "shim.hpp"

#include <sys/signalfd.h>

#include <array>
#include <csignal>
#include <string>
#include <utility>
#include <variant>

#include "minidocker/runtime/container.hpp"
#include "minidocker/spec/parse.hpp"
#include "minidocker/toolbox/clock.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::shim {
namespace {

constexpr int kCannotStart = 125;

std::unique_ptr<Backend> choose_backend(const Start& start) {
  return start.runtime.empty() ? make_builtin_backend() : make_foreign_backend();
}

bool is_farewell(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

bool has_news(const struct pollfd& fd) { return fd.revents != 0; }

/// Nothing once the connection is over: a message that makes no sense ends it, but not us.
std::optional<Request> next_request(const UniqueFd& connection) {
  try {
    return receive_request(connection.get());
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Whoever is gone finds exit.json when he asks later.
void try_to_send(const UniqueFd& listener, const Event& event) noexcept {
  if (!listener) return;
  try {
    send(listener.get(), event);
  } catch (const Error&) {
  }
}

}  // namespace

Shim::Shim(UniqueFd engine, Start start)
    : engine_(std::move(engine)), start_(std::move(start)), signals_(become_shim()) {}

void Shim::run() {
  try {
    create_and_start();
  } catch (const runtime::ProgramError& error) {
    return report_failure(error.kind(), error.what(), error.exit_code());
  } catch (const Error& error) {
    return report_failure(error.kind(), error.what(), kCannotStart);
  }
  while (!has_ended_) take_turn(-1);
  ExitRecord record;
  record.code = backend_->process().wait().shell_code();
  remove(record);
  drain();
  record.finished_ns = wall_clock_ns();
  write_exit_record(start_.directory, record);
  tell(Exited{record.code});
}

void Shim::remove(ExitRecord& record) {
  try {
    backend_->remove();  // kills who is left, so that nobody writes any more
    if (served_) served_->end();
  } catch (const Error& error) {
    record.error = error.what();
  }
  end_orphans();
}

void Shim::drain() {
  streams_->end_input();
  // Nobody writes any more: what cannot be read now will never come.
  while (take_turn(streams_->holds_output() && !gives_up_ ? -1 : 0)) {
  }
}

void Shim::serve_root() {
  const auto* root = std::get_if<ServedRoot>(&start_.root);
  if (root == nullptr) return;
  served_.emplace(*root);
  start_.root = DirectoryRoot{served_->target()};
}

void Shim::create_and_start() {
  listener_ = listen(start_.directory);
  const spec::Spec spec = spec::parse(read_all(start_.fds.spec.get(), "config.json"));
  streams_.emplace(start_.fds, spec.process.terminal);
  serve_root();
  backend_ = choose_backend(start_);
  backend_->create(spec, start_, {streams_->in(), streams_->out(), streams_->err()});
  streams_->close_theirs();
  if (spec.process.terminal) streams_->attach_terminal(backend_->take_terminal());
  backend_->start();
  tell(Started{});
}

void Shim::report_failure(ErrorKind kind, const std::string& message, int exit_code) {
  backend_.reset();  // whatever was made of it goes before anyone is told
  served_.reset();
  end_orphans();
  write_exit_record(start_.directory, {exit_code, message, wall_clock_ns()});
  tell(Failed{kind, message, exit_code});
}

bool Shim::take_turn(int timeout_ms) {
  std::vector<struct pollfd> fds{{has_ended_ ? -1 : backend_->process().pidfd(), POLLIN, 0},
                                 {signals_.get(), POLLIN, 0},
                                 {engine_.get(), POLLIN, 0},
                                 {listener_.get(), POLLIN, 0}};
  const std::size_t first_relay = fds.size();
  streams_->add_to(fds);
  const std::size_t first_client = fds.size();
  for (const UniqueFd& client : clients_) fds.push_back({client.get(), POLLIN, 0});
  const std::size_t client_count = clients_.size();

  const sys::Result<int> ready = sys::poll(fds, timeout_ms);
  if (!ready.ok()) return true;  // EINTR
  streams_->proceed(&fds[first_relay]);
  if (has_news(fds[1])) handle_signals();
  // Before anybody's request: one that comes together with the end finds that it has ended.
  has_ended_ = has_ended_ || has_news(fds[0]);
  for (std::size_t i = 0; i < client_count; ++i) {
    if (has_news(fds[first_client + i])) handle_client(clients_[i]);
  }
  std::erase_if(clients_, [](const UniqueFd& client) { return !client; });
  if (has_news(fds[2])) handle_engine();
  if (has_news(fds[3])) accept_client();
  return ready.value() > 0;
}

void Shim::handle_engine() {
  const std::optional<Request> request = next_request(engine_);
  if (request) return obey(*request);
  engine_.reset();  // nobody is left to read what the container prints
  send_signal(SIGKILL);
}

void Shim::accept_client() {
  sys::Result<UniqueFd> client = sys::accept(listener_.get());
  if (client.ok()) clients_.push_back(std::move(client).value());
}

void Shim::handle_client(UniqueFd& client) {
  const std::optional<Request> request = next_request(client);
  if (request) return obey(*request);
  client.reset();
}

void Shim::handle_signals() {
  std::array<struct signalfd_siginfo, 8> signals{};
  const sys::Result<std::size_t> got = sys::read(signals_.get(), signals.data(), sizeof(signals));
  if (!got.ok()) return;
  for (std::size_t i = 0; i < got.value() / sizeof(signals[0]); ++i) {
    if (signals[i].ssi_signo == SIGTERM) send_signal(SIGKILL);
    if (signals[i].ssi_signo == SIGCHLD) reap_orphans(has_ended_ ? -1 : backend_->process().pid());
  }
}

void Shim::send_signal(int number) {
  // Whoever ends a container by force, or one that has ended already, waits for nobody who is slow
  // to read what it has printed.
  gives_up_ = gives_up_ || number == SIGKILL || (has_ended_ && is_farewell(number));
  if (!has_ended_) backend_->process().send(number);
}

void Shim::obey(const Request& request) {
  if (const auto* resize = std::get_if<Resize>(&request)) streams_->resize(*resize);
  if (const auto* signal = std::get_if<Signal>(&request)) send_signal(signal->number);
}

void Shim::tell(const Event& event) noexcept {
  try_to_send(engine_, event);
  for (const UniqueFd& client : clients_) try_to_send(client, event);
}

}  // namespace minidocker::shim
