// `mini-docker login` and `logout`, with docker's words.
#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "commands.hpp"
#include "flag_parser.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pty.hpp"
#include "prompt.hpp"
#include "transfer_command.hpp"
#include "transfer_text.hpp"
#include "usage_error.hpp"

namespace minidocker::cli {

namespace {

// What was said on the command line of `login`.
struct LoginWords {
  engine::LoginRequest request;  // user and password only as far as they were given
  bool password_stdin = false;   // the password is all of standard input
};

std::string at_most_one(const Words& names, const std::string& command) {
  if (names.size() > 1) {
    throw UsageError(fmt::format("'mini-docker {}' requires at most 1 argument", command), kFailed);
  }
  return names.empty() ? "" : names.front();
}

// As people and docker's file know it.
std::string shown(const std::string& domain) {
  return domain == "docker.io" ? "https://index.docker.io/v1/" : domain;
}

std::string password_of_stdin() {
  std::string password = read_all(STDIN_FILENO, "standard input");
  while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  if (password.empty()) throw Error(ErrorKind::invalid_argument, "password is empty");
  return password;
}

// True if what is kept already is good.
bool is_known(engine::Engine& engine, const engine::LoginRequest& request) {
  try {
    static_cast<void>(engine.login(request));
    print("Authenticating with existing credentials...\n\nLogin Succeeded\n");
    return true;
  } catch (const Error& error) {
    const bool is_unknown =
        error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::permission;
    if (!is_unknown) throw;
    return false;
  }
}

void ask_for_the_rest(engine::LoginRequest& request) {
  if (!is_terminal(STDIN_FILENO)) {
    throw Error(ErrorKind::invalid_argument,
                "Cannot perform an interactive login from a non TTY device");
  }
  if (request.user.empty()) request.user = ask("Username: ");
  if (request.user.empty()) throw Error(ErrorKind::invalid_argument, "username is empty");
  request.password = ask_secretly("Password: ");
  if (request.password.empty()) throw Error(ErrorKind::invalid_argument, "password is empty");
}

LoginWords parse_login(const Words& args) {
  LoginWords words;
  Words user;
  Words password;
  FlagParser flags("Authenticate to a registry", "mini-docker login");
  flags.add_list("-u,--username", user, "username");
  flags.add_list("-p,--password", password, "password or access token");
  flags.add_switch("--password-stdin", words.password_stdin, "the password is standard input");
  flags.add_switch("--plain-http", words.request.plain_http, "the registry speaks no TLS");
  words.request.registry = registry_domain(at_most_one(flags.parse_names(args), "login"));
  words.request.docker_config = docker_config_file();
  if (!user.empty()) words.request.user = user.back();
  if (!password.empty()) {
    words.request.password = password.back();
    fmt::print(stderr,
               "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
  }
  if (words.password_stdin && !password.empty()) {
    throw UsageError("conflicting options: cannot specify both --password and --password-stdin",
                     kFailed);
  }
  if (words.password_stdin && words.request.user.empty()) {
    throw UsageError("the --password-stdin option requires --username to be set", kFailed);
  }
  if (!password.empty() && words.request.user.empty())
    throw UsageError("username is empty", kFailed);
  return words;
}

}  // namespace

int login(const Globals& globals, const Words& args) {
  LoginWords words = parse_login(args);
  engine::LoginRequest& request = words.request;
  if (words.password_stdin) request.password = password_of_stdin();
  engine::Engine engine = open_engine(globals);
  if (request.user.empty() && is_known(engine, request)) return 0;
  if (request.password.empty()) ask_for_the_rest(request);
  const std::string helper = engine.login(request);
  if (helper.empty()) {
    fmt::print(stderr,
               "\nWARNING! Your credentials are stored unencrypted in '{}'.\n"
               "Configure a credential helper to remove this warning. See\n"
               "https://docs.docker.com/go/credential-store/\n\n",
               request.docker_config);
  }
  print("Login Succeeded\n");
  return 0;
}

int logout(const Globals& globals, const Words& args) {
  FlagParser flags("Log out from a registry", "mini-docker logout");
  const std::string domain = registry_domain(at_most_one(flags.parse_names(args), "logout"));
  print(fmt::format("Removing login credentials for {}\n", shown(domain)));
  static_cast<void>(open_engine(globals).logout(domain, docker_config_file()));
  return 0;
}

}  // namespace minidocker::cli
