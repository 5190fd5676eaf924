#pragma once
/// \file
/// Debian's docker-registry on the loopback interface of the test's own network namespace.

#include <memory>
#include <string>

#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {

/// How it is set up; parts that are empty are left out.
struct PeerOptions {
  std::string certificate = {};   ///< PEM file: TLS
  std::string key = {};           ///< PEM file
  std::string client_ca = {};     ///< PEM file: who comes needs a certificate of it
  std::string htpasswd = {};      ///< file: basic authentication
  std::string token_realm = {};   ///< URL of a token server
  std::string token_bundle = {};  ///< PEM file: whose tokens are taken (issuer "issuer")
};

/// Runs while it lives. Only in a sandbox with a network namespace (bring_up_loopback first).
class DockerRegistry {
 public:
  /// Listens on localhost:`port` when the constructor returns. Throws std::runtime_error.
  explicit DockerRegistry(int port, const PeerOptions& options = {});
  /// HOST:PORT.
  [[nodiscard]] const std::string& host() const { return host_; }
  /// What it has logged until it listened.
  [[nodiscard]] const std::string& log() const { return process_->out(); }

 private:
  std::string host_;
  TempDir dir_;
  std::unique_ptr<testing::RunningCommand> process_;
};

/// ip link set lo up.
void bring_up_loopback();

/// An authority and a certificate of it for localhost (server and client), made by openssl(1).
struct TestAuthority {
  TempDir dir;              ///< holds all
  std::string ca;           ///< PEM file
  std::string certificate;  ///< PEM file
  std::string key;          ///< PEM file
};
/// Makes them. Throws std::runtime_error.
[[nodiscard]] TestAuthority make_authority();

/// A token for docker-registry (JWT, RS256, signed by openssl(1)): `actions` on `repository` for
/// service "service" by "issuer", valid for a while.
[[nodiscard]] std::string make_token(const TestAuthority& authority, const std::string& repository,
                                     const std::string& actions);

}  // namespace minidocker::registry
