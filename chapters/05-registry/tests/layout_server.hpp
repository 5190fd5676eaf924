#pragma once
/// \file
/// A registry for pulling, made of an OCI layout: what it was asked, and how often, is seen by the
/// test.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "minidocker/toolbox/mutex.hpp"
#include "wire_server.hpp"

namespace minidocker::registry {

/// Serves the first image of the layout in a directory, under any name and tag.
class LayoutServer {
 public:
  /// Called before an answer to `GET path` is sent, in its connection's thread; how many bytes of
  /// the body are sent before the connection is closed.
  using Before = std::function<std::uint64_t(const std::string& path)>;
  static constexpr std::uint64_t kAll = ~std::uint64_t{0};  ///< the whole body, and no closing

  explicit LayoutServer(
      std::string layout, Before before = [](const std::string&) { return kAll; });

  [[nodiscard]] std::string host() const { return server_.host(); }
  /// How often `GET path` was asked, for each path that holds `part`.
  [[nodiscard]] std::map<std::string, int> asked(const std::string& part);
  /// Bytes of bodies sent so far.
  [[nodiscard]] std::uint64_t sent();

 private:
  void serve(WireConnection& connection);
  bool answer(WireConnection& connection, const std::string& request);
  [[nodiscard]] std::string manifest() const;

  std::string layout_;
  Before before_;
  Mutex mutex_;
  std::map<std::string, int> asked_ MD_GUARDED_BY(mutex_);
  std::uint64_t sent_ MD_GUARDED_BY(mutex_) = 0;
  WireServer server_;  // last: its threads use all others
};

}  // namespace minidocker::registry
