#include "settings.hpp"

namespace minidocker::engine {

std::optional<std::string> Settings::find(const std::string& key) const {
  Statement statement = database_.prepare("SELECT value FROM settings WHERE key=?1");
  statement.bind(1, key);
  if (!statement.step()) return std::nullopt;
  return statement.text(0);
}

void Settings::set(const std::string& key, const std::string& value) const {
  database_.prepare("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)")
      .bind(1, key)
      .bind(2, value)
      .run();
}

}  // namespace minidocker::engine
