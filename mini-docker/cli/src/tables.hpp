#pragma once
/// \file
/// What `images` and `ps` print.

#include <cstdint>
#include <string>
#include <vector>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// Rows of cells, the first one the heading, as docker lays them out: left-aligned, three blanks
/// between columns, which are at least ten wide.
[[nodiscard]] std::string lay_out(const std::vector<std::vector<std::string>>& rows);

/// Whether ids and commands are cut.
enum class Cut { yes, no };

/// The table of `images`; `now` in seconds since 1970.
[[nodiscard]] std::string images_table(const std::vector<engine::ImageSummary>& images,
                                       std::int64_t now, Cut cut);
/// The table of `ps`.
[[nodiscard]] std::string containers_table(const std::vector<engine::ContainerSummary>& containers,
                                           std::int64_t now, Cut cut);
/// "Up 3 seconds", "Exited (0) 2 minutes ago", "Created".
[[nodiscard]] std::string status_in_words(const engine::ContainerSummary& container,
                                          std::int64_t now);

}  // namespace minidocker::cli
