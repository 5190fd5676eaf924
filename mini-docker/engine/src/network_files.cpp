#include "network_files.hpp"

#include <sstream>

namespace minidocker::engine {
namespace {

bool is_loopback_server(const std::string& line) {
  std::istringstream words(line);
  std::string keyword;
  std::string address;
  words >> keyword >> address;
  if (keyword != "nameserver") return false;
  return address.starts_with("127.") || address == "::1" || address.starts_with("::1%");
}

}  // namespace

std::string hosts_text() {
  return "127.0.0.1\tlocalhost\n"
         "::1\tlocalhost ip6-localhost ip6-loopback\n"
         "fe00::\tip6-localnet\n"
         "ff00::\tip6-mcastprefix\n"
         "ff02::1\tip6-allnodes\n"
         "ff02::2\tip6-allrouters\n";
}

std::string resolv_conf_text(std::string_view hosts_own) {
  std::istringstream lines{std::string(hosts_own)};
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (!is_loopback_server(line)) text += line + "\n";
  }
  return text;
}

}  // namespace minidocker::engine
