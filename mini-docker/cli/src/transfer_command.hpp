#pragma once
/// \file
/// `mini-docker pull` and `push`, and what `run` does for an image that is not there.

#include <string>
#include <vector>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// docker's file that says who we are for registries: `$DOCKER_CONFIG/config.json`, else
/// `~/.docker/config.json`; empty without a home.
[[nodiscard]] std::string docker_config_file();

/// Pulls, telling of it on descriptor `out` (a line for each layer that changes in place, if it is
/// a terminal). Throws Error.
void pull_loudly(engine::Engine& engine, const engine::TransferRequest& request, int out);

/// Likewise, the way back.
void push_loudly(engine::Engine& engine, const engine::TransferRequest& request, int out);

/// Pulls `image` if it is not there, from one of `mirrors` if it can be had there, telling of it on
/// standard error. Throws Error.
void pull_if_missing(engine::Engine& engine, const std::string& image,
                     const std::vector<std::string>& mirrors);

}  // namespace minidocker::cli
