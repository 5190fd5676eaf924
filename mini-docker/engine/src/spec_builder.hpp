#pragma once
/// \file
/// From a request to the config.json that docker would hand to its runtime.

#include <sys/types.h>

#include <string>
#include <vector>

#include "merge_config.hpp"
#include "minidocker/engine/request.hpp"
#include "minidocker/security/capabilities.hpp"
#include "minidocker/spec/spec.hpp"

namespace minidocker::engine {

/// Who makes the container.
struct Maker {
  uid_t uid = 0;                                               ///< effective ids of the engine
  gid_t gid = 0;                                               ///< effective ids of the engine
  security::CapabilitySet capabilities = security::kAllKnown;  ///< what it may grant

  /// Is a user namespace needed?
  [[nodiscard]] bool is_rootless() const noexcept { return uid != 0; }
  /// Ourselves.
  [[nodiscard]] static Maker current();
};

/// What the spec refers to on the host.
struct HostFiles {
  std::string hosts;        ///< bound on /etc/hosts
  std::string hostname;     ///< bound on /etc/hostname
  std::string resolv_conf;  ///< bound on /etc/resolv.conf
  std::string init;         ///< bound on /sbin/docker-init with --init
};

/// What is known besides the request.
struct SpecInput {
  std::string hostname;      ///< the container's
  std::string cgroups_path;  ///< "/mini-docker/ID"; empty: the runtime's choice
  Program program;           ///< see merge_config()
  HostFiles files;           ///< see network_files.hpp
  Maker maker;               ///< ourselves
  bool counts_swap = true;   ///< can swap be limited on this host?
};

/// Does `USER[:GROUP]` name root? Judged by the name, as the container's own files are read later.
[[nodiscard]] bool is_root_user(const std::string& user);

/// Builds it. Throws Error(invalid_argument) in docker's words for what cannot be, and
/// Error(unavailable) for what this user cannot have.
[[nodiscard]] spec::Spec build_spec(const CreateRequest& request, const SpecInput& input);

/// \name Parts of it
///@{
[[nodiscard]] std::vector<spec::Mount> build_mounts(const CreateRequest& request,
                                                    const SpecInput& input);
[[nodiscard]] spec::Capabilities build_capabilities(const CreateRequest& request,
                                                    const SpecInput& input);
[[nodiscard]] spec::Resources build_resources(const CreateRequest& request, const SpecInput& input);
[[nodiscard]] std::vector<spec::Device> build_devices(const CreateRequest& request,
                                                      const SpecInput& input);
///@}

}  // namespace minidocker::engine
