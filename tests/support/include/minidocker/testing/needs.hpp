#pragma once
/// \file
/// What a test needs of the machine. A missing need skips the test with its name and the reason;
/// if MD_REQUIRE lists the need, the test fails instead: a skip is no pass.

#include <string>
#include <vector>

namespace minidocker::testing {

/// Why `need` cannot be had here; empty if it can. Known: root, user (an unprivileged user to
/// become), userns, overlay, cgroup1, cgroup2 (with memory, cpu, pids), disk, systemd (as init),
/// delegated (an ordinary user's session: the user's bus, and memory and pids for the user's own
/// systemd), tty, strace, crun, runc, docker-registry, dockerd, skopeo, podman, buildah, bsdtar,
/// igzip, umoci, python3, busybox (the test image), debian-root (an archive that debootstrap made),
/// qemu, newuidmap, clang-format-19. Throws for an unknown name.
[[nodiscard]] std::string missing(const std::string& need);

/// All of `needs` that are missing, as `need: reason`.
[[nodiscard]] std::vector<std::string> missing_of(const std::vector<std::string>& needs);

/// Where the program or image of a need lies, e.g. path_of("crun"); empty if it is missing. Peers
/// and images are looked for under the build tree, or MD_BUILD_DIR if that is set.
[[nodiscard]] std::string path_of(const std::string& need);

/// Prints `[  NEED  ] need: reason`; fails the running test if MD_REQUIRE lists the need.
/// Returns whether the test may skip.
void report_missing(const std::string& need_and_reason);

}  // namespace minidocker::testing

/// First line of a test: `MD_NEEDS("root", "overlay");`
#define MD_NEEDS(...)                                                                        \
  do {                                                                                       \
    const auto md_missing = ::minidocker::testing::missing_of({__VA_ARGS__});                \
    if (!md_missing.empty()) {                                                               \
      for (const auto& md_line : md_missing) ::minidocker::testing::report_missing(md_line); \
      GTEST_SKIP() << md_missing.front();                                                    \
    }                                                                                        \
  } while (false)
