#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "image_source.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::engine {

namespace {

using images::WorkerEvent;
using images::WorkerRequest;
using images::WorkerVerb;

constexpr std::size_t kMaxSecret = 4096;  // a pipe of any size takes it at once

// A pipe that holds what nobody shall see in a command line.
UniqueFd secret_input(const LoginRequest& who) {
  Pipe pipe = Pipe::make();
  if (who.user.empty()) return std::move(pipe.read_end);
  const std::string text = who.user + "\n" + who.password + "\n";
  if (text.size() > kMaxSecret || who.user.find('\n') != std::string::npos) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("login to {}: user and password must be one line each, of {} bytes "
                            "together",
                            who.registry, kMaxSecret));
  }
  write_all(pipe.write_end.get(), text, "mini-worker's standard input");
  return std::move(pipe.read_end);
}

WorkerRequest for_registry(WorkerRequest request, WorkerVerb verb, const LoginRequest& wanted) {
  request.verb = verb;
  request.registry = wanted.registry;
  request.docker_config = wanted.docker_config;
  if (wanted.plain_http) request.plain_http = images::PlainHttp::yes;
  return request;
}

}  // namespace

std::string ImageSource::login(const LoginRequest& wanted) const {
  const trace::Scope scope("05-registry", "have mini-worker log in to " + wanted.registry,
                           "what the registry answers is not read in this process");
  const UniqueFd question = secret_input(wanted);
  run_worker(for_registry(request(), WorkerVerb::login, wanted), [](const WorkerEvent&) {},
             {{question.get(), STDIN_FILENO}});
  if (wanted.user.empty()) return "";
  std::string helper;
  const UniqueFd answer = secret_input(wanted);
  run_worker(for_registry(request(), WorkerVerb::remember, wanted),
             [&helper](const WorkerEvent& event) {
               if (event.type == WorkerEvent::Type::kept) helper = event.message;
             },
             {{answer.get(), STDIN_FILENO}});
  return helper;
}

bool ImageSource::logout(const std::string& registry, const std::string& docker_config) const {
  bool was_there = false;
  run_worker(for_registry(request(), WorkerVerb::forget, {registry, "", "", docker_config}),
             [&was_there](const WorkerEvent& event) {
               if (event.type == WorkerEvent::Type::kept) was_there = event.is_new;
             });
  return was_there;
}

}  // namespace minidocker::engine
