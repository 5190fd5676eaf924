#pragma once
/// \file
/// What `inspect` prints: the Docker Engine API's form of an image.

#include <nlohmann/json_fwd.hpp>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// As `GET /images/NAME/json` gives it. What nobody has recorded is not there, or what docker
/// writes for "never".
[[nodiscard]] nlohmann::ordered_json to_json(const engine::ImageDetails& image);
/// As `GET /containers/NAME/json` gives it, as far as the engine knows.
[[nodiscard]] nlohmann::ordered_json to_json(const engine::ContainerDetails& container);

}  // namespace minidocker::cli
