#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "minidocker/engine/engine.hpp"

namespace fs = std::filesystem;

namespace minidocker::engine {
namespace {

std::optional<std::string> find_env(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

/// Where mini-shim stands: beside us in a build tree, else where `make install` puts it.
std::string programs_dir() {
  std::error_code error;
  const fs::path ours = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& directory : {ours, ours / "../libexec/mini-docker"}) {
    if (fs::exists(directory / "mini-shim", error)) return directory.lexically_normal();
  }
  return ours;
}

std::string absolute(const std::string& path) {
  return (fs::path(path).is_absolute() ? fs::path(path) : fs::current_path() / path)
      .lexically_normal();
}

Paths rootless_defaults() {
  const std::optional<std::string> home = find_env("HOME");
  std::optional<std::string> data = find_env("XDG_DATA_HOME");
  if (!data && home) data = *home + "/.local/share";
  if (!data) {
    throw Error(ErrorKind::invalid_argument,
                "no place for state: neither HOME nor XDG_DATA_HOME is set; use --root DIR");
  }
  Paths paths;
  paths.state = absolute(*data + "/mini-docker");
  const std::optional<std::string> run = find_env("XDG_RUNTIME_DIR");
  paths.run = run ? absolute(*run + "/mini-docker") : paths.state + "/run";
  return paths;
}

}  // namespace

Paths Paths::choose(const std::optional<std::string>& root) {
  Paths paths;
  const std::optional<std::string> given = root ? root : find_env("MINI_DOCKER_ROOT");
  if (given) {
    if (given->empty()) throw Error(ErrorKind::invalid_argument, "--root: the path is empty");
    paths.state = absolute(*given);
    if (paths.state.size() > 1 && paths.state.back() == '/') paths.state.pop_back();
    paths.run = paths.state + "/run";
  } else if (::geteuid() == 0) {
    paths.state = "/var/lib/mini-docker";
    paths.run = "/run/mini-docker";
  } else {
    paths = rootless_defaults();
  }
  paths.programs = programs_dir();
  return paths;
}

}  // namespace minidocker::engine
