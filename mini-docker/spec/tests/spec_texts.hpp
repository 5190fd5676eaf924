#pragma once
/// \file
/// Documents and helpers that the tests of this room share.

#include <functional>
#include <string>
#include <string_view>

namespace minidocker::spec {

/// As little as parse() and validate() accept.
inline constexpr std::string_view kSmallest =
    R"({"ociVersion": "1.0.2", "root": {"path": "rootfs"},
        "process": {"args": ["sh"], "cwd": "/"}})";

/// Each member that Spec has, with a value of its own.
extern const std::string_view kEverything;

/// kSmallest with the members of `fragment` put in; a member that is there already is replaced.
[[nodiscard]] std::string with(std::string_view fragment);

/// The message of the Error that `action` throws; "no error" if it throws none.
[[nodiscard]] std::string message_of(const std::function<void()>& action);

}  // namespace minidocker::spec
