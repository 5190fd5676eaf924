#include "credential_helper.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::registry {

namespace {

constexpr std::chrono::seconds kLimit{60};
// In the place of a user's name: the secret is an identity token.
constexpr std::string_view kTokenUser = "<token>";

// What it wrote; nothing if it knows nothing of what was asked.
std::optional<std::string> run(const std::string& helper, const std::string& action,
                               const std::string& question, const std::string& key) {
  const std::string program = "docker-credential-" + helper;
  // A socket, as writing to it raises no signal if the helper does not want to read.
  sys::FdPair input = sys::socketpair(SOCK_STREAM).or_throw(program);
  Pipe answer = Pipe::make();
  const std::array<std::pair<int, int>, 2> fds{
      {{input.second.get(), 0}, {answer.write_end.get(), 1}}};
  Process process = Process::spawn({program, action}, fds);
  input.second.reset();
  answer.write_end.reset();
  static_cast<void>(sys::send(input.first.get(), question.data(), question.size()));
  input.first.reset();
  // Answers are far smaller than a pipe is: it can end before it is read.
  const std::optional<ExitStatus> status = process.wait_for(kLimit);
  if (!status) {
    throw Error(ErrorKind::unavailable,
                fmt::format("{} {}: no answer within {} s", program, action, kLimit.count()));
  }
  std::string text = read_all(answer.read_end.get(), program);
  if (status->shell_code() == 0) return text;
  if (text.find("credentials not found") != std::string::npos) return std::nullopt;
  throw Error(ErrorKind::unavailable,
              fmt::format("{} {}, for {}: exit code {}: {}", program, action, key,
                          status->shell_code(), minidocker::quoted(text.substr(0, 200))));
}

}  // namespace

std::optional<Credentials> ask_helper(const std::string& helper, const std::string& key) {
  const std::optional<std::string> answer = run(helper, "get", key + "\n", key);
  if (!answer) return std::nullopt;
  const std::string program = "docker-credential-" + helper;
  const nlohmann::json document = images::parse_document(*answer, program);
  const std::string user = images::string_member(document, "Username", program);
  const std::string secret = images::string_member(document, "Secret", program);
  if (user == kTokenUser) return Credentials{"", "", secret};
  return Credentials{user, secret, ""};
}

void tell_helper(const std::string& helper, const std::string& key, const Credentials& who) {
  const bool is_token = !who.identity_token.empty();
  const nlohmann::json question{{"ServerURL", key},
                                {"Username", is_token ? std::string(kTokenUser) : who.user},
                                {"Secret", is_token ? who.identity_token : who.password}};
  static_cast<void>(run(helper, "store", question.dump(), key));
}

bool erase_with_helper(const std::string& helper, const std::string& key) {
  return run(helper, "erase", key, key).has_value();
}

}  // namespace minidocker::registry
