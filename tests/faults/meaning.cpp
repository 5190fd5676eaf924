#include "meaning.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

std::string text_of(const std::string& word) {
  return word.size() >= 2 && word.front() == '"' ? word.substr(1, word.size() - 2) : word;
}

bool has(const std::string& word, const char* name) {
  return names_of(word).find(name) != std::string_view::npos;
}

/// What a process knows about paths: its working directory, descriptors, and root.
struct View {
  std::string cwd = std::filesystem::current_path().string();
  std::map<long, std::string> fds;
  bool inside = false;  ///< "/" is the container's root
};

/// Follows the calls of all processes and puts the counted ones into words.
class Reader {
 public:
  explicit Reader(const std::string& rootfs) : rootfs_(rootfs) {}

  void read(const TracedCall& call) {
    View& view = view_of(call.pid);
    tell(call, view);
    if (call.error.empty()) follow(call, view);
  }

  CallSet found;

 private:
  /// A child begins with its parent's view. There are two processes: the parent came first.
  View& view_of(pid_t pid) {
    if (views_.empty()) parent_ = pid;
    const auto [at, is_new] = views_.try_emplace(pid);
    if (is_new && pid != parent_) at->second = views_[parent_];
    return at->second;
  }

  /// Where a path leads, beginning at descriptor word `dir` or the working directory.
  std::string place(const View& view, const std::string& dir, const std::string& path) const {
    std::string_view rest = path;
    constexpr std::string_view kFd = "/proc/self/fd/";
    if (rest.starts_with(kFd)) {
      rest.remove_prefix(kFd.size());
      const std::size_t slash = std::min(rest.find('/'), rest.size());
      return tidy(fd_path(view, std::string(rest.substr(0, slash))) +
                  std::string(rest.substr(slash)));
    }
    const bool by_fd = !dir.empty() && !has(dir, "AT_FDCWD");
    std::string base = by_fd ? fd_path(view, dir) : view.cwd;
    if (path.starts_with('/')) base = view.inside ? "ROOT" : "";
    return tidy(base + "/" + path);
  }

  static std::string fd_path(const View& view, const std::string& word) {
    const auto found = view.fds.find(std::strtol(word.c_str(), nullptr, 0));
    return found != view.fds.end() ? found->second : "fd " + word;
  }

  std::string tidy(const std::string& path) const {
    std::string normal = std::filesystem::path(path).lexically_normal().string();
    while (normal.size() > 1 && (normal.ends_with('/') || normal.ends_with("/."))) {
      normal.resize(normal.find_last_of('/'));
    }
    if (normal.starts_with(rootfs_)) normal.replace(0, rootfs_.size(), "ROOT");
    return normal;
  }

  /// What a call changes of the view.
  void follow(const TracedCall& call, View& view) {
    const auto& a = call.args;
    if (call.name == "openat") {
      view.fds[call.result] = place(view, a[0], text_of(a[1]));
    } else if (call.name == "openat2") {
      // All of ours resolve in the root that the descriptor is: its "/" is that root.
      view.fds[call.result] = tidy(fd_path(view, a[0]) + "/" + text_of(a[1]));
    } else if (call.name == "chdir") {
      view.cwd = place(view, "", text_of(a[0]));
    } else if (call.name == "fchdir") {
      view.cwd = fd_path(view, a[0]);
    } else if (call.name == "pivot_root") {
      view.inside = true;
    }
  }

  void tell(const TracedCall& call, const View& view) {
    const std::string words = in_words(call, view);
    if (!words.empty()) found.insert(words + (call.error.empty() ? "" : " " + call.error));
  }

  std::string in_words(const TracedCall& call, const View& view) const {
    const auto& a = call.args;
    if (call.name == "clone3") return "clone3 " + normal_field(a[0], "flags");
    if (call.name == "mount") return mount(a, view);
    if (call.name == "umount2") {
      return "umount " + place(view, "", text_of(a[0])) + " " + normal_names(a[1]);
    }
    if (call.name == "mount_setattr") {
      return "mount_setattr " + place(view, a[0], text_of(a[1])) +
             (has(a[2], "AT_RECURSIVE") ? " and below" : "") + " set " +
             normal_field(a[3], "attr_set") + " clear " + normal_field(a[3], "attr_clr");
    }
    if (call.name == "pivot_root") return "pivot_root";
    if (call.name == "prctl") return prctl(a);
    if (call.name == "capset") {
      return "capset " + normal_field(a[1], "effective") + " " + normal_field(a[1], "permitted") +
             " " + normal_field(a[1], "inheritable");
    }
    return cgroup(call, view);
  }

  std::string mount(const std::vector<std::string>& a, const View& view) const {
    const bool bind = has(a[3], "MS_BIND");
    return "mount " + (bind ? place(view, "", text_of(a[0])) : text_of(a[2])) + " on " +
           place(view, "", text_of(a[1])) + " " + normal_names(a[3]) + " " + a[4];
  }

  static std::string prctl(const std::vector<std::string>& a) {
    if (has(a[0], "PR_CAPBSET_DROP")) {
      const long capability = std::strtol(a[1].c_str(), nullptr, 0);
      return is_held(capability) ? "drop " + std::string(names_of(a[1])) : "";
    }
    return has(a[0], "PR_CAP_AMBIENT") ? "ambient " + normal_names(a[1]) : "";
  }

  static bool is_held(long capability) {
    static const std::uint64_t kBounding = capabilities(::getpid(), "CapBnd");
    return (kBounding >> capability & 1U) != 0;
  }

  /// Groups made and removed, files of theirs opened for writing, and what is written there.
  std::string cgroup(const TracedCall& call, const View& view) const {
    const auto& a = call.args;
    std::string what;
    std::string where;
    if (call.name == "mkdir" || call.name == "rmdir") {
      what = call.name;
      where = place(view, "", text_of(a[0]));
    } else if (call.name == "mkdirat" || call.name == "unlinkat") {
      what = call.name == "mkdirat" ? "mkdir" : "rmdir";
      where = place(view, a[0], text_of(a[1]));
    } else if (call.name == "openat" && (has(a[2], "O_WRONLY") || has(a[2], "O_RDWR"))) {
      what = "open";
      where = place(view, a[0], text_of(a[1]));
    } else if (call.name == "write") {
      what = "write " + a[1];
      where = fd_path(view, a[0]);
    }
    return where.starts_with("/sys/fs/cgroup/") ? what + " " + where : "";
  }

  std::string rootfs_;
  std::map<pid_t, View> views_;
  pid_t parent_ = 0;
};

}  // namespace

CallSet meanings(const std::vector<TracedCall>& calls, const std::string& rootfs) {
  Reader reader(rootfs);
  for (const TracedCall& call : calls) reader.read(call);
  return reader.found;
}

}  // namespace minidocker::testing
