/// \file
/// mini-registry: serves images to others. It reads what anybody sends, so it is a program of its
/// own, and before it reads the first byte it gives up whatever serving does not need:
///
/// | taken away                               | by                       | lacking where     |
/// |------------------------------------------|--------------------------|-------------------|
/// | gaining privileges                       | no_new_privs             |                   |
/// | root's power, all of it                  | capabilities             |                   |
/// | files outside of the directory it serves | Landlock                 | Linux before 5.19 |
/// | executing, tracing                       | Landlock                 | Linux before 5.19 |
/// | new sockets: it answers, and never calls | a filter of system calls |                   |

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <exception>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "minidocker/http/server.hpp"
#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/registry_server/registry.hpp"
#include "minidocker/security/landlock.hpp"
#include "minidocker/security/own_capabilities.hpp"
#include "minidocker/security/socket_filter.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker {

namespace {

constexpr char kName[] = "mini-registry";
constexpr int kFailed = 1;

/// What is on the command line.
struct Words {
  std::vector<std::string> listen{"127.0.0.1:5000"};
  std::string directory;
  bool allow_delete = false;
  bool anybody = false;
};

std::vector<http::Listener> listen_all(const Words& words) {
  std::vector<http::Listener> listeners;
  for (const std::string& text : words.listen) {
    const http::Address address = http::Address::parse(text);
    if (!address.is_local() && !words.anybody) {
      throw Error(
          ErrorKind::permission,
          fmt::format("{}: whoever reaches it may push, and there is no TLS; hint: --anybody "
                      "if that is meant",
                      address.str()));
    }
    listeners.push_back(http::listen_on(address));
  }
  return listeners;
}

/// Turns SIGTERM and SIGINT into a request to stop, for as long as it lives. Made before any other
/// thread, so that all of them leave these signals alone.
class StopOnSignal {
 public:
  StopOnSignal() {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sys::set_signal_mask(mask).or_throw();
    waiter_ = std::jthread([this, mask] {
      int signal = 0;
      ::sigwait(&mask, &signal);
      stop_.request_stop();
    });
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  ~StopOnSignal() {
    ::pthread_kill(waiter_.native_handle(), SIGTERM);  // blocked here as well: it only wakes it
  }
  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread waiter_;
};

// For good, and by the only thread: those that come later have no more than it has.
void give_up_all_but(const std::string& directory) {
  sys::set_no_new_privs().or_throw();
  security::keep_only({});
  if (const int abi = security::landlock_abi(); abi >= security::kLeastLandlockAbi) {
    security::fence_files(abi, std::array{security::Gate{directory, security::GateAccess::change}});
  } else {
    complain(kName,
             fmt::format("files are not fenced: Landlock's ABI is {}, {} is needed (kernel "
                         "5.19, and `landlock` among the kernel's security modules)",
                         abi, security::kLeastLandlockAbi),
             0);
  }
  security::limit_sockets(security::Sockets::none);
}

void serve(const Words& words) {
  make_dirs(words.directory);
  std::vector<http::Listener> listeners = listen_all(words);  // a port below 1024 wants privileges
  give_up_all_but(words.directory);
  const StopOnSignal stop;
  registry_server::RegistryOptions options;
  if (words.allow_delete) options.deletion = registry_server::Deletion::allowed;
  registry_server::Registry registry(words.directory, options);
  for (const http::Listener& listener : listeners) {
    write_all(STDOUT_FILENO,
              fmt::format("serving {} on {}\n", words.directory, listener.address.str()),
              "standard output");
  }
  http::ServerOptions server;
  server.explain =
      registry_server::explain_to([](std::string_view line) { complain(kName, line, 0); });
  const http::Router router = registry.routes();
  http::serve(std::move(listeners), router, server, stop.token());
}

int run(int argc, char** argv) {
  Words words;
  CLI::App app("Serve images to others: the OCI distribution API over a directory", kName);
  app.add_option("--listen", words.listen,
                 "where: HOST:PORT, several times if need be, or unix:PATH")
      ->capture_default_str();
  app.add_flag("--allow-delete", words.allow_delete, "let whoever reaches it delete");
  app.add_flag("--anybody", words.anybody, "listen where other machines reach it, without TLS");
  app.add_option("DIR", words.directory, "what is served; made if it is not there")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    serve(words);
    return 0;
  } catch (const std::exception& error) {
    return complain(kName, error.what(), kFailed);
  }
}

}  // namespace

}  // namespace minidocker

int main(int argc, char** argv) {
  try {
    minidocker::prepare_process();
    return minidocker::run(argc, argv);
  } catch (const std::exception& error) {
    return minidocker::complain("mini-registry", error.what(), 1);
  }
}
