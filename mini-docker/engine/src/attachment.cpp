#include <chrono>
#include <utility>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/error.hpp"
#include "places.hpp"
#include "shim_client.hpp"
#include "times.hpp"

namespace minidocker::engine {
namespace {

/// How long a container may take to die of SIGKILL when its attachment is dropped.
constexpr std::chrono::seconds kPatience{10};

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

Attachment Engine::start(const std::string& id, const StartOptions& options) {
  ContainerRow row = impl_->table.get(id);
  row.state = State::starting;
  row.error.clear();
  impl_->table.update(row);
  try {
    RunningShim shim = start_shim(impl_->paths, row, options, impl_->owned.at(id).fd());
    row.state = State::running;
    row.started_ns = now_ns();
    impl_->table.update(row);
    return Attachment(
        std::unique_ptr<Attachment::Impl>(new Attachment::Impl{*impl_, row.id, std::move(shim)}));
  } catch (const Error& error) {
    clean_up_after_shim(impl_->paths, row);
    const auto* start_error = dynamic_cast<const StartError*>(&error);
    row.state = State::created;
    row.error = error.what();
    row.exit_code = start_error != nullptr ? start_error->exit_code() : 128;
    impl_->table.update(row);
    if (row.auto_remove) impl_->destroy(row);
    impl_->owned.erase(row.id);
    if (start_error != nullptr) throw;
    throw StartError(error.kind(), error.what(), 125);
  }
}

}  // namespace minidocker::engine
