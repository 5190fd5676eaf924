#include "exec_alone.hpp"

#include <string.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::runtime {

StepResult ExecAlone::run(ChildContext& context) const noexcept {
  const StepResult failed = exec.run(context);
  const char* const words = ::strerrordesc_np(failed.error);
  const char* const name = ::strerrorname_np(failed.error);
  if (words == nullptr || name == nullptr || *words == '\0') return failed;
  std::array<char, 512> line;  // a longer name is cut: nothing is allocated here
  const auto written =
      fmt::format_to_n(line.data(), line.size() - 1, "exec: {}: {}{} ({})", name_quoted,
                       static_cast<char>(*words | 0x20), words + 1, name);
  *written.out = '\n';
  static_cast<void>(sys::write(STDERR_FILENO, line.data(),
                               static_cast<std::size_t>(written.out - line.data()) + 1));
  return failed;
}

}  // namespace minidocker::runtime
