#pragma once
/// \file
/// What a registry has: tags of a repository (OCI distribution-spec, "Listing Tags"), and all
/// repositories (the catalogue of Docker's registry API; many registries refuse it).

#include <string>
#include <vector>

#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// Most names that are taken from one registry.
inline constexpr std::size_t kMaxNames = 100'000;

/// The tags of a repository (`library/busybox`), page by page. Throws not_found if there is no such
/// repository, invalid_argument for what is no tag, and as Session.
[[nodiscard]] std::vector<std::string> list_tags(Session& session, const std::string& path);

/// All repositories. Throws likewise.
[[nodiscard]] std::vector<std::string> list_repositories(Session& session);

}  // namespace minidocker::registry
