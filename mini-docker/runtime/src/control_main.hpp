#pragma once
/// \file
/// The command lines of pause, resume, update and events.

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace minidocker::runtime {

/// Adds the commands to `app`. Once one is parsed, `action` is set to what it does; it returns the
/// exit code. `root` is the directory of the states, known by then.
void add_control_commands(CLI::App& app, const std::string& root, std::function<int()>& action);

}  // namespace minidocker::runtime
