#pragma once
/// \file
/// One blob from a registry into a file: hashed while it is written, taken up again where the
/// connection was cut, or where an earlier pull was.

#include <cstdint>
#include <functional>

#include "growing_blob.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// What a download tells while it goes; what `moved` throws ends it.
struct DownloadWatch {
  std::function<void(std::uint64_t bytes)> moved;  ///< so many are there
  std::function<void(std::uint64_t bytes)> again;  ///< the connection failed; it goes on from here
  std::function<void()> verifying;                 ///< all is there; is it what it should be?
};

/// Downloads what `file` lacks of `blob` of the reference's repository, whose size it has. Throws
/// invalid_argument if it is not what the descriptor says, and as Session.
void download_blob(const Reference& reference, Session& session, const images::Descriptor& blob,
                   GrowingBlob& file, const DownloadWatch& watch);

}  // namespace minidocker::registry
