#include "minidocker/engine/engine.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <csignal>
#include <thread>
#include <utility>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "places.hpp"
#include "shim_client.hpp"

namespace minidocker::engine {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
/// How often somebody else's container is looked at again while its owner lets go of it.
constexpr std::chrono::milliseconds kLookAgain{5};

ContainerSummary summary(const ContainerRow& row) {
  ContainerSummary summary;
  summary.id = row.id;
  summary.name = row.name;
  summary.image = row.image;
  summary.command = row.command;
  summary.state = row.state;
  summary.exit_code = row.exit_code;
  summary.created = row.created_ns / kNanos;
  summary.started = row.started_ns / kNanos;
  summary.finished = row.finished_ns / kNanos;
  return summary;
}

bool is_alive(State state) { return state == State::starting || state == State::running; }

/// Kills the program of a container that another process owns. That one records the end.
void kill_foreign(const ContainerPaths& places) {
  const std::optional<UniqueFd> socket = shim::connect(places.shim);
  if (!socket) return;
  try {
    shim::send(socket->get(), shim::Signal{SIGKILL});
    while (shim::receive_event(socket->get())) {
    }
  } catch (const Error&) {
    // The shim ended first.
  }
}

/// Waits until the container is ours, killing what runs in it.
FileLock take_over(const ContainerPaths& places, bool may_kill) {
  for (;;) {
    if (std::optional<FileLock> lock = FileLock::try_take(places.lock)) return std::move(*lock);
    if (may_kill) kill_foreign(places);
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace

Engine::Engine(Paths paths) : impl_(std::make_unique<Impl>(std::move(paths))) {
  impl_->warnings = recover(*impl_);
  impl_->opening.reset();
}

Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

const std::vector<std::string>& Engine::warnings() const { return impl_->warnings; }

std::vector<std::string> Engine::load(const std::string& path) { return impl_->images.load(path); }

std::vector<ImageSummary> Engine::images() const { return impl_->images.list(); }

std::vector<ContainerSummary> Engine::containers() const {
  std::vector<ContainerSummary> list;
  for (const ContainerRow& row : impl_->table.all()) list.push_back(summary(row));
  return list;
}

void Engine::remove(const std::string& name, Force force) {
  const ContainerRow row = impl_->table.get(name);
  if (is_alive(row.state) && force == Force::no) {
    throw Error(ErrorKind::conflict,
                fmt::format("cannot remove container \"{}\": container is running: stop the "
                            "container before removing or force remove",
                            name));
  }
  const FileLock lock = take_over(ContainerPaths(impl_->paths, row), force == Force::yes);
  const std::optional<ContainerRow> now = impl_->table.find(row.id);
  if (!now) return;  // it went with its run
  if (is_alive(now->state)) {
    clean_up_after_shim(impl_->paths, *now);
    impl_->finish(now->id);
  }
  if (const std::optional<ContainerRow> ended = impl_->table.find(row.id)) impl_->destroy(*ended);
}

}  // namespace minidocker::engine
