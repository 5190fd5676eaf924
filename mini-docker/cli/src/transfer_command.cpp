#include "transfer_command.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pty.hpp"
#include "transfer_text.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void print(int out, const std::string& text) { write_all(out, text, "terminal or file"); }

// As docker has it: wide, if it does not say.
unsigned columns_of(int terminal) {
  struct winsize size{};
  const bool is_told = ::ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_told ? size.ws_col : 200;
}

engine::LayerWatch lines_on(int out, Way way) {
  const Canvas canvas = is_terminal(out) ? Canvas::terminal : Canvas::lines;
  return [out, lines = LayerLines(canvas, way, columns_of(out))](
             const engine::LayerProgress& progress) mutable { print(out, lines.tell(progress)); };
}

}  // namespace

std::string docker_config_file() {
  const std::string directory = environment("DOCKER_CONFIG");
  if (!directory.empty()) return directory + "/config.json";
  const std::string home = environment("HOME");
  return home.empty() ? "" : home + "/.docker/config.json";
}

void pull_loudly(engine::Engine& engine, const engine::TransferRequest& request, int out) {
  print(out, pull_heading(request.image));
  const engine::PulledImage pulled = engine.pull(request, lines_on(out, Way::pull));
  warn(pulled.warnings);
  print(out, pull_ending(request.image, pulled));
}

void push_loudly(engine::Engine& engine, const engine::TransferRequest& request, int out) {
  print(out, push_heading(request.image));
  const std::string digest = engine.push(request, lines_on(out, Way::push));
  print(out, push_ending(request.image, digest));
}

void pull_if_missing(engine::Engine& engine, const std::string& image,
                     const std::vector<std::string>& mirrors) {
  if (engine.has_image(image)) return;
  fmt::print(stderr, "Unable to find image '{}' locally\n", image_with_tag(image));
  pull_loudly(engine, {.image = image, .docker_config = docker_config_file(), .mirrors = mirrors},
              STDERR_FILENO);
}

}  // namespace minidocker::cli
