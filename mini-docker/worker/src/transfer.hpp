#pragma once
/// \file
/// The verbs pull (an image from its registry into the store, and its layers into directories),
/// push (the way back) and tags.
///
/// Docker Hub's images and tags are asked of `request.mirrors` first, one after the other; one that
/// fails is told of, and the next is asked. Mirrors are not told who we are.

#include <optional>

#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images_unpack/import.hpp"
#include "minidocker/registry/credentials.hpp"

namespace minidocker::worker {

/// Who we are for the registry that the request names, as docker's file or a credential helper, a
/// program of the user's, says; nothing for other verbs. Throws Error.
[[nodiscard]] std::optional<registry::Credentials> credentials_for(
    const images::WorkerRequest& request);

/// Pulls `request.reference` and unpacks what is not unpacked. Tells transfer, warning, layer and,
/// last, image events. Throws Error.
void pull(const images::WorkerRequest& request, const std::optional<registry::Credentials>& who,
          const images_unpack::ImportTarget& target, const images_unpack::Progress& tell);

/// Tells a tags event: all that the repository of `request.reference` has. Throws Error.
void list_tags(const images::WorkerRequest& request,
               const std::optional<registry::Credentials>& who,
               const images_unpack::Progress& tell);

/// Pushes the image of the store that has the name `request.reference`. Tells transfer and, last,
/// image events. Throws Error.
void push(const images::WorkerRequest& request, const std::optional<registry::Credentials>& who,
          const images_unpack::ImportTarget& target, const images_unpack::Progress& tell);

}  // namespace minidocker::worker
