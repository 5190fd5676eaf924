#pragma once
/// \file
/// What one state directory remembers about itself.

#include <optional>
#include <string>

#include "database.hpp"

namespace minidocker::engine {

/// Names to values, in the engine's records. Borrows the database, whose tables ContainerTable has
/// made.
class Settings {
 public:
  explicit Settings(Database& database) : database_(database) {}  ///< of these records
  /// Nothing if it was never set. Throws Error.
  [[nodiscard]] std::optional<std::string> find(const std::string& key) const;
  /// Sets or replaces. Throws Error.
  void set(const std::string& key, const std::string& value) const;

 private:
  Database& database_;
};

}  // namespace minidocker::engine
