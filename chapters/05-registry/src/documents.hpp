#pragma once
/// \file
/// Manifests and indexes as a registry sends them: verified, and the right one chosen.

#include <string>
#include <string_view>

#include "minidocker/images/manifest.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// A document and what it is.
struct Document {
  std::string media_type;  ///< as it says itself, or as the answer said
  images::Digest digest;   ///< of its bytes
  std::string text;        ///< the bytes
};

/// `repository:PATH:ACTIONS`, as token servers want it.
[[nodiscard]] std::string scope_of(const std::string& path, std::string_view actions);

/// What the reference leads to. Throws not_found, invalid_argument if it is not what its digest
/// says, and as Session::ask_patiently.
[[nodiscard]] Document fetch_document(const Reference& reference, Session& session);

/// The image manifest for `platform` that `top` is or leads to. Throws not_found if there is none.
[[nodiscard]] Document choose_manifest(const Reference& reference, Session& session, Document top,
                                       const images::Platform& platform);

}  // namespace minidocker::registry
