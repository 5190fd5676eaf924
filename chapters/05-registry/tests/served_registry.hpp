#pragma once
/// \file
/// A registry that is asked without a network: a request is a call.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/http/message.hpp"
#include "minidocker/http/router.hpp"
#include "minidocker/images/digest.hpp"
#include "minidocker/registry_server/registry.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry_server {

/// What was answered.
struct Told {
  int status = 0;
  http::Headers headers;
  std::string body;  ///< of a file, too

  [[nodiscard]] std::string header(std::string_view name) const {
    return http::find_header(headers, name).value_or("");
  }
  /// The code of the error that the body tells; empty for anything else.
  [[nodiscard]] std::string code() const;
};

/// A registry in a directory of its own, empty at first.
class ServedRegistry {
 public:
  explicit ServedRegistry(const RegistryOptions& options = {.deletion = Deletion::allowed});

  /// Asks; the body is handed over in pieces of a few bytes.
  Told ask(const std::string& method, const std::string& target, http::Headers headers = {},
           std::string_view body = "");
  /// Sends a blob in one request; its digest.
  images::Digest push_blob(const std::string& name, std::string_view content);
  /// Sends an image of one layer as `reference`, blobs first; the manifest's digest.
  images::Digest push_image(const std::string& name, const std::string& reference,
                            std::string_view layer = "a layer");
  /// Sends a manifest.
  Told push_manifest(const std::string& name, const std::string& reference,
                     const std::string& media_type, std::string_view text);
  /// Begins an upload; where it goes on.
  std::string begin_upload(const std::string& name);
  /// Ends and begins again, as a program does that was killed and started.
  void restart();

  [[nodiscard]] const std::string& dir() const { return dir_.path(); }
  /// Lines of what the registry said to whoever runs it.
  [[nodiscard]] const std::string& log() const { return log_; }
  /// Digests, as hex digits, of all that is in the store.
  [[nodiscard]] std::vector<std::string> content() const;
  [[nodiscard]] http::Router& router() { return router_; }

 private:
  Told told(http::Answer answer, const http::Request& request, std::string_view body);
  TempDir dir_{"/dev/shm"};  // it waits for the disk all the time: here that is memory
  RegistryOptions options_;
  std::optional<Registry> registry_;
  http::Router router_;
  std::string log_;
};

/// A manifest of an image of `config` and `layer`.
[[nodiscard]] std::string manifest_of(std::string_view config, std::string_view layer,
                                      const std::string& more = "");

}  // namespace minidocker::registry_server
