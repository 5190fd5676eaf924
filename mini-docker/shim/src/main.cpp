// mini-shim: holds one container.
//
//   mini-shim                                   descriptor 3 is a connection to the engine
//   mini-shim cleanup STATE_ROOT ID [RUNTIME]   removes what a shim that died has left
//   mini-shim probe DRIVER DIR                  prints why a storage driver cannot work in an empty
//                                               directory; nothing if it can
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backend.hpp"
#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "probe.hpp"
#include "shim.hpp"

namespace minidocker::shim {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

/// The connection and the lock were passed on across execve; from here on they are ours alone.
UniqueFd take_engine_socket() {
  sys::set_cloexec(kSocketFd, true)
      .or_throw("descriptor 3, the engine's connection",
                "mini-shim is started by mini-docker, not by hand");
  if (sys::probe_fd(kLockFd).ok()) sys::set_cloexec(kLockFd, true).or_throw("the engine's lock");
  return UniqueFd(kSocketFd);
}

void serve() {
  UniqueFd engine = take_engine_socket();
  std::optional<Request> request;
  try {
    request = receive_request(engine.get());
  } catch (const Error& error) {
    send(engine.get(), Failed{error.kind(), error.what(), 125});
    return;
  }
  if (!request) return;  // the engine died first
  if (!std::holds_alternative<Start>(*request)) {
    throw Error(ErrorKind::invalid_argument, "the engine's first message is not `start`");
  }
  Start& start = std::get<Start>(*request);
  const UniqueFd trace_fd = std::move(start.fds.trace);
  std::unique_ptr<trace::Sink> sink;
  if (start.explain) sink = trace::make_writer(*start.explain, trace_fd.get(), "shim");
  const trace::Session session(sink.get());
  Shim(std::move(engine), std::move(start)).run();
}

int run(const std::vector<std::string>& args) {
  if (args.empty()) {
    serve();
    return 0;
  }
  if (args[0] == "cleanup" && (args.size() == 3 || args.size() == 4)) {
    clean_up(args[1], args[2], args.size() == 4 ? args[3] : "");
    return 0;
  }
  if (args[0] == "probe" && args.size() == 3) {
    const std::string reason = probe(args[1], args[2]).value_or("");
    write_all(1, reason, "standard output");
    return 0;
  }
  std::fputs(
      "mini-shim: started by mini-docker; usage: mini-shim cleanup STATE_ROOT ID [RUNTIME] | probe "
      "DRIVER DIR\n",
      stderr);
  return kBadUsage;
}

}  // namespace
}  // namespace minidocker::shim

int main(int argc, char** argv) {
  try {
    minidocker::prepare_process();
    return minidocker::shim::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mini-shim: %s\n", error.what());
    return minidocker::shim::kFailed;
  }
}
