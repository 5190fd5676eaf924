#pragma once
/// \file
/// One blob from a file into a registry.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "minidocker/images/manifest.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// What an upload tells while it goes; what it throws ends it.
struct UploadWatch {
  std::function<void(std::uint64_t bytes)> moved;  ///< so many are there
  std::function<void(std::uint64_t bytes)> again;  ///< the connection failed; it goes on from here
};

/// How a blob came to be in the registry.
enum class Uploaded : std::uint8_t {
  existed,  ///< it was there
  mounted,  ///< it was in another repository
  sent,     ///< we sent it
};

/// Sees to it that the reference's repository has `blob`, whose bytes `fd` holds. `mount_from` are
/// repositories that may have it; `piece` is how much is sent at once. Throws as Session.
Uploaded upload_blob(const Reference& reference, Session& session, const images::Descriptor& blob,
                     int fd, const std::vector<std::string>& mount_from, std::uint64_t piece,
                     const UploadWatch& watch);

}  // namespace minidocker::registry
