#include "states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace minidocker::engine {
namespace {

constexpr std::array<Transition, 13> kTransitions{{
    {State::creating, State::created, "its directories and files are complete"},
    {State::creating, State::removing, "creating failed, or its owner died"},
    {State::created, State::starting, "start"},
    {State::created, State::removing, "remove"},
    {State::starting, State::running, "the shim says started"},
    {State::starting, State::created, "the shim says failed"},
    {State::starting, State::exited, "shim and owner died"},
    {State::starting, State::removing, "its start failed or was cut off: auto-remove"},
    {State::running, State::exited, "the program ended, or shim and owner died"},
    {State::running, State::removing, "likewise, with auto-remove: one commit, no state between"},
    {State::exited, State::starting, "start"},
    {State::exited, State::removing, "remove"},
    {State::removing, State::removing, "an owner finishes what another one began"},
}};

constexpr std::array<std::pair<State, std::string_view>, 6> kWords{{
    {State::creating, "creating"},
    {State::created, "created"},
    {State::starting, "starting"},
    {State::running, "running"},
    {State::exited, "exited"},
    {State::removing, "removing"},
}};

}  // namespace

std::span<const Transition> transitions() noexcept { return kTransitions; }

bool may_go(State from, State to) noexcept {
  return std::ranges::any_of(
      kTransitions, [&](const Transition& step) { return step.from == from && step.to == to; });
}

bool is_transient(State state) noexcept {
  return state != State::created && state != State::exited;
}

std::string_view word_of(State state) noexcept {
  for (const auto& [value, word] : kWords) {
    if (value == state) return word;
  }
  return "unknown";
}

State state_of(std::string_view word) {
  for (const auto& [value, known] : kWords) {
    if (known == word) return value;
  }
  throw Error(ErrorKind::internal,
              fmt::format("engine's records: no such state: {}", quoted(word)));
}

}  // namespace minidocker::engine
