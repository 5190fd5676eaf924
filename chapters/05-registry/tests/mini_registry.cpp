#include "mini_registry.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>

#include "docker_registry.hpp"
#include "minidocker/images/digest.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::registry {

namespace {

using Words = std::vector<std::string>;
using images::Digest;
using testing::CommandResult;

constexpr std::uint16_t kPort = 5000;
constexpr int kSeconds = 10;

Words argv(const std::string& dir, const Words& options, const Words& before) {
  Words words(before);
  words.insert(words.end(), {MD_BINARY_DIR "/bin/mini-docker", "registry", "serve"});
  words.insert(words.end(), options.begin(), options.end());
  words.push_back(dir);
  return words;
}

UniqueFd connected() {
  UniqueFd socket = sys::socket(AF_INET, SOCK_STREAM, 0).or_throw("client");
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sys::connect(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address))
      .or_throw("localhost:5000");
  const struct timeval limit{kSeconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return socket;
}

bool is_below(const std::string& path, std::string_view kind) {
  return path.find(fmt::format("/{}/", kind)) != std::string::npos;
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

MiniRegistry::MiniRegistry(const std::string& dir, const Words& options, const Words& before)
    : process_(argv(dir, options, before)) {
  if (process_.read_until("on 127.0.0.1:5000\n")) return;
  throw std::runtime_error("mini-registry does not listen: " + process_.err());
}

void MiniRegistry::kill() {
  process_.signal(SIGKILL);
  process_.wait();
}

CommandResult MiniRegistry::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

void in_network(const std::function<void()>& body) {
  testing::in_sandbox([&body] {
    testing::mount_empty({"/run", "/var/lib"});
    bring_up_loopback();
    body();
  });
}

RawClient::RawClient() : socket_(connected()) {}

void RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string RawClient::read_head() const {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n")) {
    if (::recv(socket_.get(), &byte, 1, 0) != 1) return "";
    head += byte;
  }
  return head;
}

std::string RawClient::ask(std::string_view bytes) const {
  send(bytes);
  return read_head();
}

void RawClient::end_sending() const { ::shutdown(socket_.get(), SHUT_WR); }

void RawClient::wait_for_end() const {
  char bytes[4096];
  ssize_t got = 0;
  while ((got = ::recv(socket_.get(), bytes, sizeof(bytes), 0)) > 0) {
  }
  EXPECT_EQ(got, 0) << "it does not leave";
}

std::string ask(const std::string& method, const std::string& target, std::string_view body,
                std::string_view headers) {
  return RawClient().ask(fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}",
                                     method, target, body.size(), headers, body));
}

std::string header(const std::string& head, const std::string& name) {
  const std::size_t at = head.find(name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 2;
  return head.substr(begin, head.find('\r', begin) - begin);
}

std::string begin_upload(const std::string& repository) {
  return header(ask("POST", "/v2/" + repository + "/blobs/uploads/"), "Location");
}

std::vector<std::string> damage_of(const std::string& dir) {
  std::vector<std::string> found;
  const std::string blobs = dir + "/blobs/sha256/";
  for (const std::string& name : testing::files_below(blobs)) {
    if (name.starts_with('.')) continue;  // a temporary name: the next start removes it
    if (Digest::of(testing::read_text(blobs + name)).hex() != name) found.push_back(name);
  }
  const std::string names = dir + "/repositories/";
  for (const std::string& path : testing::files_below(names)) {
    if (last_part(path).starts_with('.')) continue;
    std::string hex;
    if (is_below(path, "_blobs") || is_below(path, "_manifests")) hex = last_part(path);
    if (is_below(path, "_tags")) hex = Digest::parse(testing::read_text(names + path)).hex();
    if (!hex.empty() && !testing::find_text(blobs + hex)) found.push_back(path);
  }
  return found;
}

std::string skopeo(Words arguments) {
  arguments.insert(arguments.begin(), {testing::path_of("skopeo"), "--insecure-policy"});
  const CommandResult result = testing::run_command(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return result.out;
}

void push_busybox(const std::string& name, const std::string& format) {
  skopeo({"copy", "--dest-tls-verify=false", "--format", format,
          "oci:" + testing::path_of("busybox"), "docker://localhost:5000/" + name});
}

std::string raw_manifest(const std::string& name) {
  return skopeo({"inspect", "--raw", "--tls-verify=false", "docker://localhost:5000/" + name});
}

}  // namespace minidocker::registry
