#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/clock.hpp"
#include "minidocker/toolbox/error.hpp"
#include "places.hpp"
#include "shim_client.hpp"

namespace minidocker::engine {
namespace {

/// How long a container may take to die of SIGKILL when its attachment is dropped.
constexpr std::chrono::seconds kPatience{10};
constexpr int kCannotStart = 125;

}  // namespace

/// A shim, until its end is recorded.
struct Attachment::Impl {
  Engine::Impl& engine;
  std::string id;
  RunningShim shim;
  bool is_finished = false;

  /// Waits for the shim, so that nothing of the container is left when the caller goes on.
  int finish() {
    is_finished = true;
    shim.socket.reset();
    shim.process.wait();
    clean_up_after_shim(engine.paths, engine.table.get(id));  // only if the shim was killed
    const int code = engine.finish(id);
    engine.owned.erase(id);
    return code;
  }

  ~Impl() {
    if (is_finished) return;
    try {
      shim.socket.reset();  // the shim kills the container when we are gone
      if (shim.process.wait_for(kPatience)) finish();
    } catch (const Error&) {
      // The next engine recovers it.
    }
  }
};

Attachment::Attachment(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Attachment::Attachment(Attachment&&) noexcept = default;
Attachment& Attachment::operator=(Attachment&&) noexcept = default;
Attachment::~Attachment() = default;

int Attachment::fd() const noexcept { return impl_->shim.socket.get(); }

void Attachment::signal(int number) {
  try {
    shim::send(impl_->shim.socket.get(), shim::Signal{number});
  } catch (const SystemError&) {
    // It has ended; next() tells.
  }
}

void Attachment::resize(std::uint16_t rows, std::uint16_t columns) {
  try {
    shim::send(impl_->shim.socket.get(), shim::Resize{rows, columns});
  } catch (const SystemError&) {
    // Likewise.
  }
}

std::optional<int> Attachment::next() {
  const std::optional<shim::Event> event = shim::receive_event(impl_->shim.socket.get());
  if (event && !std::holds_alternative<shim::Exited>(*event)) return std::nullopt;
  const int code = impl_->finish();
  if (!event)
    throw Error(ErrorKind::internal, "the container's shim died, and the container with it");
  return code;
}

namespace {

/// The container is as it was, or gone with auto_remove.
void undo_start(Engine::Impl& engine, ContainerRow row, const Error& error) {
  const auto* start_error = dynamic_cast<const StartError*>(&error);
  row.error = error.what();
  row.exit_code = start_error != nullptr ? start_error->exit_code() : 128;
  try {
    clean_up_after_shim(engine.paths, row);
    if (row.auto_remove) {
      engine.destroy(row);
    } else {
      row.state = State::created;
      engine.table.update(row);
      engine.forget_run(row);
    }
  } catch (const Error&) {
    // The next engine finds it; what brought us here says more.
  }
  engine.owned.erase(row.id);
}

}  // namespace

Attachment Engine::start(const std::string& id, const StartOptions& options) {
  ContainerRow row = impl_->table.get(id);
  row.error.clear();
  try {
    row.state = State::starting;
    impl_->table.update(row);
    RunningShim shim = start_shim(impl_->paths, row, options, impl_->owned.at(id).fd());
    Attachment attachment(
        std::unique_ptr<Attachment::Impl>(new Attachment::Impl{*impl_, row.id, std::move(shim)}));
    row.state = State::running;
    row.started_ns = wall_clock_ns();
    impl_->table.update(row);
    return attachment;
  } catch (const StartError& error) {
    undo_start(*impl_, row, error);
    throw;
  } catch (const Error& error) {
    undo_start(*impl_, row, error);
    throw StartError(error.kind(), error.what(), kCannotStart);
  }
}

}  // namespace minidocker::engine
