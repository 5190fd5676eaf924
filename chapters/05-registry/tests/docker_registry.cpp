#include "docker_registry.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "minidocker/registry/credentials.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::registry {

namespace {

std::string auth_section(const PeerOptions& options) {
  if (!options.htpasswd.empty()) {
    return fmt::format("auth:\n  htpasswd:\n    realm: here\n    path: {}\n", options.htpasswd);
  }
  if (options.token_realm.empty()) return "";
  return fmt::format(
      "auth:\n  token:\n    realm: {}\n    service: service\n    issuer: issuer\n"
      "    rootcertbundle: {}\n",
      options.token_realm, options.token_bundle);
}

std::string tls_section(const PeerOptions& options) {
  if (options.certificate.empty()) return "";
  std::string section =
      fmt::format("  tls:\n    certificate: {}\n    key: {}\n", options.certificate, options.key);
  if (!options.client_ca.empty())
    section += fmt::format("    clientcas: [{}]\n", options.client_ca);
  return section;
}

void must_run(const std::vector<std::string>& argv) {
  const testing::CommandResult result = testing::run_command(argv);
  if (result.exit_code != 0) throw std::runtime_error(result.in_words());
}

std::string base64url(std::string_view bytes) {
  std::string text = base64(bytes);
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text.substr(0, text.find('='));
}

// The lines between BEGIN and END, joined: base64 of the DER form.
std::string inside_of_pem(const std::string& file) {
  std::string joined;
  for (const std::string& line : testing::lines_of(testing::read_text(file))) {
    if (!line.starts_with("-----")) joined += line;
  }
  return joined;
}

}  // namespace

DockerRegistry::DockerRegistry(int port, const PeerOptions& options)
    : host_(fmt::format("localhost:{}", port)) {
  const std::string config = dir_.path() + "/config.yml";
  testing::write_text(
      config, fmt::format("version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n"
                          "    rootdirectory: {}/data\nhttp:\n  addr: 127.0.0.1:{}\n  secret: s\n"
                          "{}{}",
                          dir_.path(), port, tls_section(options), auth_section(options)));
  process_ = std::make_unique<testing::RunningCommand>(std::vector<std::string>{
      // What it says later is read by nobody: it must not fill a pipe and wait for a reader.
      "sh", "-c", "\"$0\" serve \"$1\" 2>&1 | { sed -u '/listening on/q'; exec cat >/dev/null; }",
      testing::path_of("docker-registry"), config});
  if (!process_->read_until("listening on")) {
    throw std::runtime_error("docker-registry does not listen: " + process_->out());
  }
}

void bring_up_loopback() {
  const UniqueFd socket = sys::socket(AF_INET, SOCK_DGRAM, 0).or_throw("socket");
  struct ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  sys::ioctl(socket.get(), SIOCSIFFLAGS, "SIOCSIFFLAGS", &request).or_throw("lo");
}

TestAuthority make_authority() {
  TestAuthority made;
  const std::string& dir = made.dir.path();
  made.ca = dir + "/ca.crt";
  made.certificate = dir + "/localhost.crt";
  made.key = dir + "/localhost.key";
  must_run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=test authority", "-keyout", dir + "/ca.key", "-out", made.ca});
  must_run({"openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout",
            made.key, "-out", dir + "/localhost.csr"});
  testing::write_text(dir + "/extensions", "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  must_run({"openssl", "x509", "-req", "-in", dir + "/localhost.csr", "-CA", made.ca, "-CAkey",
            dir + "/ca.key", "-CAcreateserial", "-days", "2", "-extfile", dir + "/extensions",
            "-out", made.certificate});
  return made;
}

std::string make_token(const TestAuthority& authority, const std::string& repository,
                       const std::string& actions) {
  std::string list;
  for (std::size_t at = 0; at <= actions.size();) {
    const std::size_t end = std::min(actions.find(',', at), actions.size());
    list += fmt::format("{}\"{}\"", at == 0 ? "" : ",", actions.substr(at, end - at));
    at = end + 1;
  }
  const std::time_t now = std::time(nullptr);
  const std::string header = fmt::format(R"({{"typ":"JWT","alg":"RS256","x5c":["{}"]}})",
                                         inside_of_pem(authority.certificate));
  const std::string claims = fmt::format(
      R"({{"iss":"issuer","sub":"u","aud":"service","exp":{},"nbf":{},"iat":{},"jti":"1",)"
      R"("access":[{{"type":"repository","name":"{}","actions":[{}]}}]}})",
      now + 600, now - 60, now, repository, list);
  const std::string signed_part = base64url(header) + "." + base64url(claims);
  const testing::CommandResult signature = testing::run_command(
      {"openssl", "dgst", "-sha256", "-sign", authority.key}, {.input = signed_part});
  return signed_part + "." + base64url(signature.out);
}

}  // namespace minidocker::registry
