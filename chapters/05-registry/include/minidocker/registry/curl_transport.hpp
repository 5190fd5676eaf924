#pragma once
/// \file
/// HTTP by libcurl: HTTPS with the system's authorities and those that `/etc/docker/certs.d` names
/// for one registry, HTTP/2 where both sides have it, proxies as the environment names them
/// (https_proxy, http_proxy, no_proxy), time-outs.
///
/// ```
///   /etc/docker/certs.d/HOST[:PORT]/NAME.crt    an authority that is trusted for this host, too
///                                   NAME.cert   our certificate for it, with NAME.key
/// ```

#include <chrono>
#include <memory>
#include <string>

#include "minidocker/registry/http.hpp"

namespace minidocker::registry {

/// How libcurl is set up.
struct CurlOptions {
  std::string certs_dir = "/etc/docker/certs.d";  ///< may be missing
  std::chrono::seconds connect_limit{15};         ///< for name, connection and TLS together
  std::chrono::seconds silence_limit{30};         ///< no byte for so long: cut
};

/// Makes a transport; connections are kept and used again. Throws if libcurl cannot start.
[[nodiscard]] std::unique_ptr<HttpTransport> make_curl_transport(CurlOptions options);

/// What `certs_dir` holds for one host.
struct HostCertificates {
  std::string authorities;  ///< all *.crt, one after the other (PEM)
  std::string certificate;  ///< path of NAME.cert; empty without one
  std::string key;          ///< path of NAME.key
};
/// Looks into `certs_dir`/`authority` (HOST or HOST:PORT). Throws invalid_argument for a
/// certificate without its key or a key without its certificate, and for two certificates.
[[nodiscard]] HostCertificates find_certificates(const std::string& certs_dir,
                                                 const std::string& authority);

}  // namespace minidocker::registry
