#pragma once
/// \file
/// What `ps` prints, and how tables are laid out.

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

/// At most so many characters, the last one `…` if some were cut off.
[[nodiscard]] std::string shortened(std::string text, std::size_t width);
/// A container's command in quotes, as docker shows it.
[[nodiscard]] std::string shown_container_command(std::string command, Cut cut);
/// The table of `ps`; `now` in seconds since 1970.
[[nodiscard]] std::string containers_table(const std::vector<engine::ContainerSummary>& containers,
                                           std::int64_t now, Cut cut);
/// "Up 3 seconds", "Exited (0) 2 minutes ago", "Created".
[[nodiscard]] std::string status_in_words(const engine::ContainerSummary& container,
                                          std::int64_t now);

}  // namespace minidocker::cli
