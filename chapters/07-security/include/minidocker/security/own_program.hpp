#pragma once
/// \file
/// Our own program's file, kept from those whom it starts.
///
/// A container may name `/proc/self/exe` as its program, or as the interpreter of its script: it
/// then executes the binary that made it, and whoever shares its PID namespace can open
/// /proc/PID/exe, wait until the binary is executed no more, and write to it (CVE-2019-5736). No
/// look at the name of the program prevents that; a mount that is read-only does.

#include <string>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::security {

/// The program at `path` on a read-only mount of its own, in no mount table: an O_PATH descriptor,
/// close-on-exec, to be executed by its FdPath. Kernel 5.12 (open_tree(2), mount_setattr(2)). Empty
/// for whoever may not mount: containers of an ordinary user have no more rights to the file than
/// the user has already. Throws SystemError.
[[nodiscard]] UniqueFd read_only_program(const std::string& path);

/// Is the file that this process executes on a read-only mount? Throws SystemError.
[[nodiscard]] bool own_program_is_read_only();

}  // namespace minidocker::security
