#pragma once
/// \file
/// Messages and records as JSON text. Internal to the protocol.

#include <string>
#include <string_view>

#include "minidocker/shim/protocol.hpp"

namespace minidocker::shim {

/// The message without its descriptors.
[[nodiscard]] std::string encode(const Start& start);
/// The whole message.
[[nodiscard]] std::string encode(const Resize& resize);
/// The whole message.
[[nodiscard]] std::string encode(const Signal& signal);
/// The whole message.
[[nodiscard]] std::string encode(const Event& event);
/// The text of exit.json.
[[nodiscard]] std::string encode(const ExitRecord& record);

/// A request; a Start's descriptors are still missing. Throws Error(invalid_argument).
[[nodiscard]] Request decode_request(std::string_view text);
/// An event. Throws Error(invalid_argument).
[[nodiscard]] Event decode_event(std::string_view text);
/// exit.json. Throws Error(invalid_argument).
[[nodiscard]] ExitRecord decode_exit_record(std::string_view text);

}  // namespace minidocker::shim
