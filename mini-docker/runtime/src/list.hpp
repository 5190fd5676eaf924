#pragma once
/// \file
/// What `list` prints, in runc's forms.

#include <string>
#include <vector>

#include "minidocker/runtime/state.hpp"

namespace minidocker::runtime {

/// A container and where it stands.
struct ListedContainer {
  State state;                      ///< what is recorded
  Status status = Status::stopped;  ///< what the kernel says
};

/// Columns ID PID STATUS BUNDLE CREATED OWNER.
[[nodiscard]] std::string list_table(const std::vector<ListedContainer>& containers);
/// An id a line.
[[nodiscard]] std::string list_quiet(const std::vector<ListedContainer>& containers);
/// A JSON array of states; `null` if there is none, as runc prints.
[[nodiscard]] std::string list_json(const std::vector<ListedContainer>& containers);

}  // namespace minidocker::runtime
