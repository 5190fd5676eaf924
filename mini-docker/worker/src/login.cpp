#include "login.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "minidocker/registry/curl_transport.hpp"
#include "minidocker/registry/docker_config.hpp"
#include "minidocker/registry/login.hpp"
#include "minidocker/registry/session.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::worker {

namespace {

using images::WorkerEvent;
using images::WorkerRequest;

WorkerEvent kept_event() {
  WorkerEvent event;
  event.type = WorkerEvent::Type::kept;
  return event;
}

}  // namespace

std::optional<registry::Credentials> read_credentials() {
  std::string text = read_all(STDIN_FILENO, "standard input");
  if (text.empty()) return std::nullopt;
  const std::size_t end = text.find('\n');
  registry::Credentials who;
  who.user = text.substr(0, end);
  if (end != std::string::npos) who.password = text.substr(end + 1);
  while (who.password.ends_with('\n')) who.password.pop_back();
  return who;
}

void login(const WorkerRequest& request, const std::optional<registry::Credentials>& who) {
  if (!who) {
    throw Error(ErrorKind::not_found,
                fmt::format("login to {}: no credentials are stored", request.registry));
  }
  const std::unique_ptr<registry::HttpTransport> transport = registry::make_curl_transport({});
  registry::Session session(request.registry, {request.plain_http == images::PlainHttp::yes, who},
                            *transport, registry::Clock::real());
  registry::check_login(session);
}

void remember(const WorkerRequest& request, const images_unpack::Progress& tell) {
  const std::optional<registry::Credentials> who = read_credentials();
  if (!who) throw Error(ErrorKind::invalid_argument, "remember: standard input is empty");
  WorkerEvent event = kept_event();
  event.message = registry::remember_credentials(request.docker_config, request.registry, *who);
  event.is_new = true;
  tell(event);
}

void forget(const WorkerRequest& request, const images_unpack::Progress& tell) {
  WorkerEvent event = kept_event();
  event.is_new = registry::forget_credentials(request.docker_config, request.registry);
  tell(event);
}

}  // namespace minidocker::worker
