#pragma once
/// \file
/// The verbs login (does a registry know us?), remember and forget (docker's file, or the
/// credential helper that it names). The last two read nothing foreign and start programs of the
/// user's: they are not put into the sandbox. The first one is, and knows nothing but what it shall
/// ask.

#include <optional>

#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images_unpack/import.hpp"
#include "minidocker/registry/credentials.hpp"

namespace minidocker::worker {

/// Standard input: USER and PASSWORD, a line each; nothing if it is empty. Throws SystemError.
[[nodiscard]] std::optional<registry::Credentials> read_credentials();

/// Asks the registry. Throws not_found without credentials, and as registry::check_login.
void login(const images::WorkerRequest& request, const std::optional<registry::Credentials>& who);

/// Keeps what standard input says. Tells a kept event. Throws as registry::remember_credentials.
void remember(const images::WorkerRequest& request, const images_unpack::Progress& tell);

/// Erases it. Tells a kept event. Throws as registry::forget_credentials.
void forget(const images::WorkerRequest& request, const images_unpack::Progress& tell);

}  // namespace minidocker::worker
