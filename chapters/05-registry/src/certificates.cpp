#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "minidocker/registry/curl_transport.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::registry {

namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::invalid_argument, why); }

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

void add_file(HostCertificates& found, const std::string& dir, const std::string& name,
              const std::vector<std::string>& names) {
  const std::string path = dir + "/" + name;
  const std::string stem = name.substr(0, name.rfind('.'));
  if (name.ends_with(".crt")) {
    found.authorities += read_file(path) + "\n";
  } else if (name.ends_with(".cert")) {
    if (!contains(names, stem + ".key")) {
      refuse(
          fmt::format("missing key {0}/{1}.key for client certificate {2}; hint: authorities "
                      "have names that end in .crt",
                      dir, stem, path));
    }
    if (!found.certificate.empty()) {
      refuse(fmt::format("{} and {}: one client certificate for each registry", found.certificate,
                         path));
    }
    found.certificate = path;
    found.key = dir + "/" + stem + ".key";
  } else if (name.ends_with(".key") && !contains(names, stem + ".cert")) {
    refuse(fmt::format("missing client certificate {}/{}.cert for key {}", dir, stem, path));
  }
}

}  // namespace

HostCertificates find_certificates(const std::string& certs_dir, const std::string& authority) {
  HostCertificates found;
  const std::string dir = certs_dir + "/" + authority;
  if (!exists(dir)) return found;
  const std::vector<std::string> names = list_dir(dir);
  for (const std::string& name : names) add_file(found, dir, name, names);
  return found;
}

}  // namespace minidocker::registry
