#include "write_controls.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::cgroups {
namespace {

/// What an errno of a file means; the first that fits.
struct Explanation {
  int error;
  std::string_view file_start;
  std::string_view hint;
};
constexpr std::array kExplanations{
    Explanation{EBUSY, "memory.", "more is in use than the limit allows"},
    Explanation{EBUSY, "cpuset.", "groups below, or tasks, still use what would be taken away"},
    Explanation{EINVAL, "memory.",
                "memory alone may not be limited above memory and swap "
                "together, nor that below: set both"},
    Explanation{EINVAL, "cpu.shares", "an idle group has no shares: end that first"},
    Explanation{EINVAL, "cpu.weight", "an idle group has no weight: end that first"},
    Explanation{EINVAL, "cpu.rt_", "the groups above must have as much realtime time left"},
    Explanation{EINVAL, "cpu.",
                "the burst may not be above the quota, nor quota and period be more "
                "than the group above has"},
    Explanation{EBUSY, "cpu.rt_", "realtime tasks run in the group"},
    Explanation{EACCES, "cpuset.", "the group above has not all of them"},
    Explanation{EINVAL, "cpuset.", "this machine has not all of them"},
    Explanation{ERANGE, "cpuset.", "this machine has not all of them"},
    Explanation{ENOSPC, "cpuset.", "tasks are in the group: it needs at least one"},
    Explanation{ENODEV, "io.", "no such disk; what is limited is the disk, not its partition"},
    Explanation{ENODEV, "blkio.", "no such disk; what is limited is the disk, not its partition"},
    Explanation{ENXIO, "blkio.", "no such disk"},
    Explanation{EOPNOTSUPP, "io.", "weights need the disk's scheduler bfq, or io.cost"},
    Explanation{EOPNOTSUPP, "blkio.", "weights need the disk's scheduler bfq"},
    Explanation{ENODEV, "rdma.", "no such RDMA device"},
    Explanation{EROFS, "", "cgroups are mounted read-only here"},
};

/// Has the groups above `directory` hand `controller` down after all: making a group is no error
/// where one cannot be had, and systemd hands down only those that it knows, not hugetlb. Returns
/// why they do not, in the kernel's words; empty if they do.
std::string ask_above(const Directory& directory, const std::string& controller) {
  for (const std::string& above : ancestors(directory)) {
    if (!holds_word(read_control(above + "/cgroup.controllers").value_or(""), controller)) break;
    const std::string file = above + "/cgroup.subtree_control";
    if (holds_word(read_control(file).value_or(""), controller)) continue;
    const sys::Result<> enabled =
        write_control_at(AT_FDCWD, file.c_str(), fmt::format("+{}", controller));
    if (enabled) continue;
    return fmt::format("; {} refuses it: {}{}", file, errno_name(enabled.error()),
                       why_not_handed_down(enabled.error()));
  }
  return "";
}

std::string advice_for_missing(const Location& location, const ControlWrite& write,
                               const Directory& directory, const std::string& refusal) {
  if (location.mode != Mode::v2) {
    return "the kernel must be built, and booted, with this accounting";
  }
  if (write.controller == "cgroup") return "this kernel has no such file";
  // The controller is here, so that the file is what the kernel lacks.
  const std::string has = read_control(directory.path() + "/cgroup.controllers").value_or("");
  if (holds_word(has, write.controller)) {
    return fmt::format("the {} controller of this kernel has no such file", write.controller);
  }
  const std::string words = has.substr(0, has.find('\n'));
  return fmt::format(
      "the {} controller must be delegated and enabled in cgroup.subtree_control of the groups "
      "above{}; this group has {}",
      write.controller, refusal, words.empty() ? "none" : words);
}

[[noreturn]] void refuse_missing(const Location& location, const ControlWrite& write,
                                 const std::string& refusal = {}) {
  const Directory* directory = location.find(write.controller);
  if (directory == nullptr) {
    throw Error(ErrorKind::unavailable,
                fmt::format("{}: this host has no {} controller; hint: mount its hierarchy",
                            write.what, write.controller));
  }
  throw Error(ErrorKind::unavailable,
              fmt::format("{}: there is no {}/{}; hint: {}", write.what, directory->path(),
                          write.file, advice_for_missing(location, write, *directory, refusal)));
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

/// Works off the writes of one Limits.
class Writer {
 public:
  enum class Failure { leaves_rest, takes_back };
  Writer(const Location& location, Failure failure) : location_(location), failure_(failure) {}

  void write_all(std::span<const ControlWrite> writes) {
    try {
      while (!writes.empty()) {
        std::size_t size = 1;
        while (size < writes.size() && writes[0].bound != 0 &&
               writes[size].bound == writes[0].bound) {
          ++size;
        }
        write_bound(writes.first(size));
        writes = writes.subspan(size);
      }
    } catch (const Error&) {
      take_back();
      throw;
    }
  }

 private:
  struct Done {
    std::string path;
    std::string undo;
  };

  // quote: in turns
  /// In turns, until all are written or none gets on.
  void write_bound(std::span<const ControlWrite> writes) {
    std::vector<const ControlWrite*> left;
    for (const ControlWrite& write : writes) left.push_back(&write);
    while (!left.empty()) {
      const std::size_t before = left.size();
      std::erase_if(left, [&](const ControlWrite* write) { return try_write(*write, before > 1); });
      if (left.size() == before) (void)try_write(*left.front(), false);
    }
  }
  // quote: end

  /// False if it was refused with EINVAL and `may_wait`.
  bool try_write(const ControlWrite& write, bool may_wait) {
    const Directory* directory = location_.find(write.controller);
    if (directory == nullptr && write.optional) return true;
    if (directory == nullptr) refuse_missing(location_, write);
    sys::Result<> result = put(write, directory->path() + "/" + write.file, write.value);
    if (result.error() == ENOENT && !write.other_file.empty()) {
      result = put(write, directory->path() + "/" + write.other_file, write.other_value);
    }
    if (result.ok() || (write.optional && result.error() == ENOENT)) return true;
    if (result.error() == ENOENT) {
      const bool is_v2 = location_.mode == Mode::v2;
      const std::string refusal = is_v2 ? ask_above(*directory, write.controller) : "";
      result = put(write, directory->path() + "/" + write.file, write.value);
      if (result.error() == ENOENT) refuse_missing(location_, write, refusal);
      if (result.ok()) return true;
    }
    const int error = result.error();
    if (error == EINVAL && may_wait) return false;
    std::move(result).or_throw(
        fmt::format("{}: {}, {}", write.what, write.file, quoted(write.value)),
        hint_for(write, error));
    return true;
  }

  sys::Result<> put(const ControlWrite& write, const std::string& path, const std::string& value) {
    std::optional<std::string> before;
    if (failure_ == Failure::takes_back) before = read_control(path);
    sys::Result<> result = write_control_at(AT_FDCWD, path.c_str(), value);
    if (result.ok() && before) done_.push_back({path, undo_of(write, *before)});
    return result;
  }

  /// Backwards every step leads to a state that the group was in a moment ago.
  void take_back() noexcept {
    if (done_.empty()) return;
    const trace::Scope told("02-cgroups", "take back what was written",
                            "limits are changed all together or not at all");
    for (auto done = done_.rbegin(); done != done_.rend(); ++done) {
      (void)write_control_at(AT_FDCWD, done->path.c_str(), done->undo);
    }
  }

  const Location& location_;
  Failure failure_;
  std::vector<Done> done_;
};

}  // namespace

std::string hint_for(const ControlWrite& write, int error) {
  const auto found = std::ranges::find_if(kExplanations, [&](const Explanation& explanation) {
    return explanation.error == error && write.file.starts_with(explanation.file_start);
  });
  return found == kExplanations.end() ? "" : std::string(found->hint);
}

std::string undo_of(const ControlWrite& write, std::string_view text) {
  const std::string_view device = first_word(write.lift);
  while (!write.lift.empty() && !text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (first_word(line) == device) return std::string(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  if (!write.lift.empty()) return write.lift;
  const std::string_view line = text.substr(0, text.find('\n'));
  // memory.oom_control is read as lines of a key and a number, and written as the first number.
  if (write.file == "memory.oom_control") return std::string(line.substr(line.rfind(' ') + 1));
  return std::string(line) + "\n";  // an empty cpuset is a line too
}

void write_controls(const Location& location, const std::vector<ControlWrite>& writes) {
  Writer(location, Writer::Failure::leaves_rest).write_all(writes);
}

void update_controls(const Location& location, const std::vector<ControlWrite>& writes) {
  Writer(location, Writer::Failure::takes_back).write_all(writes);
}

}  // namespace minidocker::cgroups
