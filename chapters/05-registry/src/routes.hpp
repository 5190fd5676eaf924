#pragma once
/// \file
/// The parts of the API, and what they share.

#include <string>
#include <string_view>

#include "minidocker/http/router.hpp"
#include "minidocker/registry_server/registry.hpp"

namespace minidocker::registry_server {

/// Blobs and uploads. `shelves` are borrowed.
void add_blob_routes(http::Router& router, Shelves& shelves);
/// Manifests, and what refers to them.
void add_manifest_routes(http::Router& router, Shelves& shelves);
/// Tags and repositories.
void add_list_routes(http::Router& router, Shelves& shelves);

/// Adds routes whose handlers take the shelves, too: `add(METHOD, PATTERN, function)`.
inline auto adder_to(http::Router& router, Shelves& shelves) {
  return [&router, &shelves](const char* method, const char* pattern, auto* handle) {
    router.add(method, pattern, [&shelves, handle](const http::Request& request) -> http::Answer {
      return handle(shelves, request);
    });
  };
}

/// The route's {name}. Throws ApiError NAME_INVALID.
[[nodiscard]] const std::string& repository_of(const http::Request& request);
/// Throws ApiError DIGEST_INVALID for what is no digest, or one by another hash than SHA-256.
[[nodiscard]] images::Digest digest_of(std::string_view text);
/// A file of the store as an answer. Throws ApiError with `code` if the store has lost it.
[[nodiscard]] http::Response content_response(const Shelves& shelves, const images::Digest& digest,
                                              const std::string& media_type, std::string_view code);
/// A body of JSON, and its type.
[[nodiscard]] http::Response json_response(int status, std::string text);
/// Throws ApiError UNSUPPORTED unless names may be taken away.
void require_deletion(const Shelves& shelves);

}  // namespace minidocker::registry_server
