/// \file
/// mini-worker: reads what came from outside, so that no other program has to. Started by the
/// engine with a pipe for its events; see worker_protocol.hpp for both sides.

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archives.hpp"
#include "login.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/images_unpack/import.hpp"
#include "minidocker/images_unpack/pack_layer.hpp"
#include "minidocker/images_unpack/save.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "sandbox.hpp"
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

// The sandbox moves to other mounts, which relative paths do not.
WorkerRequest with_absolute_paths(WorkerRequest request) {
  for (std::string* path : {&request.store, &request.layers, &request.temporaries, &request.from,
                            &request.to, &request.tree}) {
    if (!path->empty() && *path != "-") *path = std::filesystem::absolute(*path).string();
  }
  return request;
}

void tell_what_is_lacking(const std::vector<std::string>& lacking) {
  for (const std::string& line : lacking) tell(WorkerEvent::of(WorkerEvent::Type::sandbox, line));
}

// The user's own programs are asked, and the places are made, before the door closes; nothing that
// came from outside is read before.
void work(const WorkerRequest& request) {
  using Verb = images::WorkerVerb;
  if (request.verb == Verb::remember) return remember(request, tell);
  if (request.verb == Verb::forget) return forget(request, tell);
  std::optional<registry::Credentials> who;
  if (request.verb == Verb::login) who = read_credentials();
  if (!who) who = credentials_for(request);
  const images::Store store = images::Store::open(request.store);
  const images::LayerStore layers(request.layers);
  images::Workspace workspace(request.temporaries);
  const std::unique_ptr<images_unpack::ImageOutput> output = open_output(request);
  tell_what_is_lacking(enter_sandbox(request));

  const images_unpack::ImportTarget target{store, layers, workspace, request.owners};
  Mutex telling;  // several threads have something to tell
  const images_unpack::Progress told = [&telling](const WorkerEvent& event) {
    const MutexLock lock(telling);
    tell(event);
  };
  switch (request.verb) {
    case Verb::unpack:
      if (request.from.empty()) return images_unpack::unpack_image(request.image, target, told);
      return images_unpack::import_images(request.from, target, told);
    case Verb::pull:
      return pull(request, who, target, told);
    case Verb::push:
      return push(request, who, target, told);
    case Verb::tags:
      return list_tags(request, who, told);
    case Verb::save:
      return images_unpack::save_images(store, request.names, *output);
    case Verb::import_root:
      return import_root(request, target, told);
    case Verb::export_root:
      return images_unpack::pack_tree(request.tree, STDOUT_FILENO);
    case Verb::login:
      return login(request, who);
    case Verb::remember:
    case Verb::forget:
      return;  // done above
  }
}

int fail(ErrorKind kind, const std::string& message) {
  WorkerEvent event = WorkerEvent::of(WorkerEvent::Type::error, message);
  event.kind = kind;
  tell(event);
  return kExitFailed;
}

int usage(const std::string& message) {
  const std::string text =
      message +
      "\nusage: mini-worker unpack PLACES (--from FILE|DIR|- | --image ID)"
      "\n       mini-worker pull|push PLACES --reference NAME [--docker-config FILE]"
      " [--plain-http loopback|yes]"
      "\n       mini-worker tags PLACES --reference NAME [--docker-config FILE]"
      " [--plain-http loopback|yes]"
      "\n       (pull and tags: [--mirror URL]..., asked for Docker Hub's images before it is)"
      "\n       mini-worker save PLACES --to DIR|- --name NAME..."
      "\n       mini-worker import PLACES --from FILE|- --created TIME [--name NAME]"
      " [--changes TEXT] [--comment TEXT]"
      "\n       mini-worker export PLACES --tree DIR"
      "\n       mini-worker login PLACES --registry DOMAIN [--docker-config FILE]"
      " [--plain-http loopback|yes]"
      "\n       mini-worker remember|forget PLACES --registry DOMAIN --docker-config FILE"
      "\nPLACES: --store DIR --layers DIR --tmp DIR [--owners keep|squash]. It is started by "
      "mini-docker, with a pipe as descriptor 3.\n";
  static_cast<void>(sys::write(2, text.data(), text.size()));
  return kExitUsage;
}

// Whoever started us may be gone: writing to it is an error then, not the end by a signal. What
// we were started with must not reach anybody else.
void settle() {
  sys::ignore_signal(SIGPIPE).or_throw("SIGPIPE");
  sys::set_cloexec(images::kProgressFd, true).or_throw("progress pipe (descriptor 3)");
}

int run(const std::vector<std::string>& arguments) {
  WorkerRequest request;
  try {
    request = with_absolute_paths(WorkerRequest::parse(arguments));
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
