#pragma once
/// \file
/// The state machine of a container, as data. The code's check, the figure in the text and the
/// random walk of the test all come from this table.

#include <span>
#include <string_view>

#include "minidocker/engine/engine.hpp"

namespace minidocker::engine {

/// A step that a container may take.
struct Transition {
  State from;             ///< where it is
  State to;               ///< where it goes
  std::string_view when;  ///< what makes it go
};

/// All of them.
[[nodiscard]] std::span<const Transition> transitions() noexcept;
/// May a container go from one to the other?
[[nodiscard]] bool may_go(State from, State to) noexcept;
/// Is it a state in which an owner is at work, so that one without an owner must be recovered?
[[nodiscard]] bool is_transient(State state) noexcept;

/// The word that stands in the records: "running".
[[nodiscard]] std::string_view word_of(State state) noexcept;
/// The state of a word. Throws Error(internal) for an unknown one.
[[nodiscard]] State state_of(std::string_view word);

}  // namespace minidocker::engine
