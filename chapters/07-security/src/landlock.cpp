#include "minidocker/security/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/sys/confine.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::security {
namespace {

// Newer than the headers of Debian 12.
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;
constexpr std::uint64_t kIoctlDevice = std::uint64_t{1} << 15;
constexpr std::uint64_t kAbstractSockets = std::uint64_t{1} << 0;
constexpr std::uint64_t kSignals = std::uint64_t{1} << 1;

constexpr std::uint64_t kUpToRefer = (std::uint64_t{LANDLOCK_ACCESS_FS_REFER} << 1) - 1;
constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kNever =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_SOCK | kIoctlDevice;
/// What can be said of a file that is no directory.
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                   LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctlDevice;

sys::LandlockHandled handled_by(int abi) {
  sys::LandlockHandled handled{kUpToRefer, 0};
  if (abi >= 3) handled.files |= kTruncate;
  if (abi >= 5) handled.files |= kIoctlDevice;
  if (abi >= 6) handled.scoped = kAbstractSockets | kSignals;
  return handled;
}

void open_gate(int rules, const Gate& gate, std::uint64_t handled) {
  sys::Result<UniqueFd> opened = sys::open(gate.path.c_str(), O_PATH);
  if (opened.error() == ENOENT || opened.error() == ENOTDIR) return;
  const UniqueFd place = std::move(opened).or_throw(gate.path);
  std::uint64_t allowed = gate.access == GateAccess::read ? kRead : handled & ~kNever;
  if (!S_ISDIR(sys::fstat(place.get()).or_throw(gate.path).st_mode)) allowed &= kOfFiles;
  sys::landlock_add_path(rules, place.get(), allowed).or_throw(gate.path);
}

}  // namespace

int landlock_abi() noexcept {
  const sys::Result<int> abi = sys::landlock_abi();
  return abi ? abi.value() : 0;
}

void fence_files(int abi, std::span<const Gate> gates) {
  const trace::Scope scope("07-security", fmt::format("fence files by Landlock, ABI {}", abi),
                           "what is read next may be hostile");
  const sys::LandlockHandled handled = handled_by(abi);
  const UniqueFd rules = sys::landlock_create_ruleset(handled).or_throw("rules");
  for (const Gate& gate : gates) open_gate(rules.get(), gate, handled.files);
  sys::landlock_restrict_self(rules.get()).or_throw("this thread");
}

}  // namespace minidocker::security
