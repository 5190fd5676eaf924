#pragma once
/// \file
/// `run` in the foreground: the container's exit code becomes ours, signals become its signals.

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// Makes and starts a container and stands by until it ends; returns its exit code. Our terminal,
/// if it is the program's, is raw meanwhile and restored whatever happens. Throws UsageError,
/// engine::StartError, Error.
int run_in_foreground(engine::Engine& engine, const engine::CreateRequest& request,
                      const engine::StartOptions& options);

}  // namespace minidocker::cli
