#pragma once
/// \file
/// Limits written to a group's files: in an order the kernel takes, whole or not at all.

#include <string>
#include <string_view>
#include <vector>

#include "control_write.hpp"
#include "minidocker/cgroups/location.hpp"

namespace minidocker::cgroups {

/// Makes `writes` in order, each in the directory of its controller. Throws Error(unavailable) for
/// a controller or file that is missing, SystemError with a hint.
void write_controls(const Location& location, const std::vector<ControlWrite>& writes);

/// The same for a group in use: where a write fails, those before it are taken back.
void update_controls(const Location& location, const std::vector<ControlWrite>& writes);

/// What to write to have again what `text`, the file's content before `write`, says.
[[nodiscard]] std::string undo_of(const ControlWrite& write, std::string_view text);

/// Why the kernel refuses `write` with `error`, and what to do; empty if that needs no words.
[[nodiscard]] std::string hint_for(const ControlWrite& write, int error);

}  // namespace minidocker::cgroups
