#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "backend.hpp"
#include "minidocker/runtime/container.hpp"

namespace minidocker::shim {
namespace {

runtime::RootSource source_of(const Root& root) {
  if (const auto* directory = std::get_if<DirectoryRoot>(&root)) {
    return runtime::DirectoryRoot{directory->path};
  }
  const auto& overlay = std::get<OverlayRoot>(root);
  return runtime::OverlayRoot{overlay.lowers, overlay.upper, overlay.work, overlay.target,
                              overlay.is_volatile};
}

class BuiltinBackend final : public Backend {
 public:
  void create(const spec::Spec& spec, const Start& start, const ProgramStreams& streams) override {
    runtime::CreateOptions options;
    options.id = start.id;
    options.state_root = start.state_root;
    options.bundle = start.directory;
    options.root = source_of(start.root);
    options.user_name = start.user;
    if (wants_scope(spec)) options.scope_helper = start.scope_helper;
    options.ignored_signals = inherited_signals().ignored;
    options.stdio = {streams.in, streams.out, streams.err};
    // Nobody would wait for it, copy its output, or remove it, if we were killed.
    options.lifetime = runtime::Lifetime::parent;
    container_ = runtime::Container::create(spec, options);
  }
  Process& process() override { return container_->process(); }
  UniqueFd take_terminal() override { return container_->take_terminal(); }
  void start() override { container_->start(); }
  void remove() override {
    container_->remove();
    container_.reset();
  }

 private:
  std::optional<runtime::Container> container_;
};

}  // namespace

std::unique_ptr<Backend> make_builtin_backend() { return std::make_unique<BuiltinBackend>(); }

}  // namespace minidocker::shim
