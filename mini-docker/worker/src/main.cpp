/// \file
/// mini-worker: reads what came from outside, so that no other program has to. Started by the
/// engine with a pipe for its events; see worker_protocol.hpp for both sides.

#include <cstdio>
#include <string>
#include <vector>

#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/images_unpack/import.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "transfer.hpp"

namespace minidocker::worker {

namespace {

using images::WorkerEvent;
using images::WorkerRequest;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

void tell(const WorkerEvent& event) {
  write_all(images::kProgressFd, event.to_line(), "progress pipe");
}

void work(const WorkerRequest& request) {
  const images::Store store = images::Store::open(request.store);
  const images::LayerStore layers(request.layers);
  images::Workspace workspace(request.temporaries);
  const images_unpack::ImportTarget target{store, layers, workspace, request.owners};
  if (request.verb == images::WorkerVerb::pull) {
    pull(request, target, tell);
  } else if (request.verb == images::WorkerVerb::push) {
    push(request, target, tell);
  } else if (request.from.empty()) {
    images_unpack::unpack_image(request.image, target, tell);
  } else {
    images_unpack::import_images(request.from, target, tell);
  }
}

int fail(ErrorKind kind, const std::string& message) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::error;
  event.kind = kind;
  event.message = message;
  tell(event);
  return kExitFailed;
}

int usage(const std::string& message) {
  const std::string text =
      message +
      "\nusage: mini-worker unpack --store DIR --layers DIR --tmp DIR (--from FILE|DIR|- | "
      "--image ID) [--owners keep|squash]\n       mini-worker pull|push --store DIR --layers DIR "
      "--tmp "
      "DIR --reference NAME [--docker-config FILE] [--plain-http loopback|yes] [--owners "
      "keep|squash]\nIt is started by mini-docker, with a pipe as "
      "descriptor 3.\n";
  static_cast<void>(sys::write(2, text.data(), text.size()));
  return kExitUsage;
}

// Whoever started us may be gone: writing to it is an error then, not the end by a signal. What
// we were started with must not reach anybody else, and setuid programs could not be started.
void settle() {
  sys::ignore_signal(SIGPIPE).or_throw("SIGPIPE");
  sys::set_no_new_privs().or_throw();
  sys::set_cloexec(images::kProgressFd, true).or_throw("progress pipe (descriptor 3)");
}

int run(const std::vector<std::string>& arguments) {
  WorkerRequest request;
  try {
    request = WorkerRequest::parse(arguments);
    settle();
  } catch (const Error& error) {
    return usage(error.what());
  }
  try {
    work(request);
  } catch (const Error& error) {
    return fail(error.kind(), error.what());
  } catch (const std::exception& error) {
    return fail(ErrorKind::internal, std::string("mini-worker: ") + error.what());
  }
  tell(WorkerEvent{});
  return 0;
}

}  // namespace

}  // namespace minidocker::worker

int main(int argc, char** argv) {
  try {
    minidocker::prepare_process();
    return minidocker::worker::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    // Only if the progress pipe cannot be written: there is nobody left to tell but a terminal.
    std::fprintf(stderr, "mini-worker: %s\n", error.what());
    return minidocker::worker::kExitFailed;
  }
}
