#include "minidocker/spec/mount_options.hpp"

#include <sys/mount.h>

#include <algorithm>

namespace minidocker::spec {
namespace {

enum class Does { nothing, set, clear, propagation, recursive, id_mapped, copy_up };

// `flags` are MS_* or, for Does::recursive, the MOUNT_ATTR_* to set (id_mapped: MS_REC or 0);
// `cleared` the ones to clear.
struct Word {
  std::string_view word;
  Does does;
  std::uint64_t flags;
  std::uint64_t cleared = 0;
};

// config.md#linux-mount-options. Sorted, so that it can be searched and shown as it stands.
constexpr Word kWords[] = {
    {"async", Does::clear, MS_SYNCHRONOUS},
    {"atime", Does::clear, MS_NOATIME},
    {"bind", Does::set, MS_BIND},
    {"defaults", Does::nothing, 0},
    {"dev", Does::clear, MS_NODEV},
    {"diratime", Does::clear, MS_NODIRATIME},
    {"dirsync", Does::set, MS_DIRSYNC},
    {"exec", Does::clear, MS_NOEXEC},
    {"idmap", Does::id_mapped, 0},
    {"iversion", Does::set, MS_I_VERSION},
    {"lazytime", Does::set, MS_LAZYTIME},
    {"loud", Does::clear, MS_SILENT},
    {"mand", Does::set, MS_MANDLOCK},
    {"noatime", Does::set, MS_NOATIME},
    {"nodev", Does::set, MS_NODEV},
    {"nodiratime", Does::set, MS_NODIRATIME},
    {"noexec", Does::set, MS_NOEXEC},
    {"noiversion", Does::clear, MS_I_VERSION},
    {"nolazytime", Does::clear, MS_LAZYTIME},
    {"nomand", Does::clear, MS_MANDLOCK},
    {"norelatime", Does::clear, MS_RELATIME},
    {"nostrictatime", Does::clear, MS_STRICTATIME},
    {"nosuid", Does::set, MS_NOSUID},
    {"nosymfollow", Does::set, MS_NOSYMFOLLOW},
    {"private", Does::propagation, MS_PRIVATE},
    {"ratime", Does::recursive, 0, MOUNT_ATTR__ATIME},
    {"rbind", Does::set, MS_BIND | MS_REC},
    {"rdev", Does::recursive, 0, MOUNT_ATTR_NODEV},
    {"rdiratime", Does::recursive, 0, MOUNT_ATTR_NODIRATIME},
    {"relatime", Does::set, MS_RELATIME},
    {"remount", Does::set, MS_REMOUNT},
    {"rexec", Does::recursive, 0, MOUNT_ATTR_NOEXEC},
    {"ridmap", Does::id_mapped, MS_REC},
    {"rnoatime", Does::recursive, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"rnodev", Does::recursive, MOUNT_ATTR_NODEV},
    {"rnodiratime", Does::recursive, MOUNT_ATTR_NODIRATIME},
    {"rnoexec", Does::recursive, MOUNT_ATTR_NOEXEC},
    {"rnorelatime", Does::recursive, 0, MOUNT_ATTR__ATIME},
    {"rnostrictatime", Does::recursive, 0, MOUNT_ATTR__ATIME},
    {"rnosuid", Does::recursive, MOUNT_ATTR_NOSUID},
    {"rnosymfollow", Does::recursive, MOUNT_ATTR_NOSYMFOLLOW},
    {"ro", Does::set, MS_RDONLY},
    {"rprivate", Does::propagation, MS_PRIVATE | MS_REC},
    {"rrelatime", Does::recursive, MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"rro", Does::recursive, MOUNT_ATTR_RDONLY},
    {"rrw", Does::recursive, 0, MOUNT_ATTR_RDONLY},
    {"rshared", Does::propagation, MS_SHARED | MS_REC},
    {"rslave", Does::propagation, MS_SLAVE | MS_REC},
    {"rstrictatime", Does::recursive, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"rsuid", Does::recursive, 0, MOUNT_ATTR_NOSUID},
    {"rsymfollow", Does::recursive, 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"runbindable", Does::propagation, MS_UNBINDABLE | MS_REC},
    {"rw", Does::clear, MS_RDONLY},
    {"shared", Does::propagation, MS_SHARED},
    {"silent", Does::set, MS_SILENT},
    {"slave", Does::propagation, MS_SLAVE},
    {"strictatime", Does::set, MS_STRICTATIME},
    {"suid", Does::clear, MS_NOSUID},
    {"symfollow", Does::clear, MS_NOSYMFOLLOW},
    {"sync", Does::set, MS_SYNCHRONOUS},
    {"tmpcopyup", Does::copy_up, 0},
    {"unbindable", Does::propagation, MS_UNBINDABLE},
};
static_assert(std::ranges::is_sorted(kWords, {}, &Word::word));

const Word* find_word(std::string_view word) noexcept {
  const Word* found = std::ranges::lower_bound(kWords, word, {}, &Word::word);
  return found != std::end(kWords) && found->word == word ? found : nullptr;
}

// mount(2) takes one of these; the later word replaces the earlier.
constexpr std::uint64_t kAtimeFlags = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

void set_flags(MountOptions& options, std::uint64_t flags) noexcept {
  if ((flags & kAtimeFlags) != 0) options.set &= ~kAtimeFlags;
  options.set |= flags;
  options.clear &= ~flags;
}

void clear_flags(MountOptions& options, std::uint64_t flags) noexcept {
  options.clear |= flags;
  options.set &= ~flags;
}

// mount_setattr(2) clears first and sets then; an atime word must clear the whole field.
void change_recursively(MountOptions& options, const Word& word) noexcept {
  options.recursive_set &= ~word.cleared;
  options.recursive_set |= word.flags;
  const std::uint64_t plain = word.flags & ~std::uint64_t{MOUNT_ATTR__ATIME};
  options.recursive_clear &= ~plain;
  options.recursive_clear |= word.cleared;
}

void append_data(MountOptions& options, std::string_view word) {
  if (!options.data.empty()) options.data += ',';
  options.data += word;
}

}  // namespace

bool MountOptions::is_bind() const noexcept { return (set & MS_BIND) != 0; }

bool MountOptions::is_recursive_bind() const noexcept { return is_bind() && (set & MS_REC) != 0; }

MountOptions parse_mount_options(std::span<const std::string> words) {
  MountOptions options;
  for (const std::string& text : words) {
    const Word* word = find_word(text);
    switch (word == nullptr ? Does::nothing : word->does) {
      case Does::nothing:
        if (word == nullptr) append_data(options, text);
        break;
      case Does::set:
        set_flags(options, word->flags);
        break;
      case Does::clear:
        clear_flags(options, word->flags);
        break;
      case Does::propagation:
        options.propagation.push_back(word->flags);
        break;
      case Does::recursive:
        change_recursively(options, *word);
        break;
      case Does::id_mapped:
        options.id_mapped = word->flags != 0 ? IdMapped::tree : IdMapped::top;
        break;
      case Does::copy_up:
        options.copy_up = true;
        break;
    }
  }
  return options;
}

std::uint64_t propagation_flags(std::string_view word) noexcept {
  const Word* found = find_word(word);
  return found != nullptr && found->does == Does::propagation ? found->flags : 0;
}

bool is_mount_flag(std::string_view word) noexcept { return find_word(word) != nullptr; }

std::vector<std::string_view> known_mount_options() {
  std::vector<std::string_view> words;
  for (const Word& word : kWords) words.push_back(word.word);
  return words;
}

}  // namespace minidocker::spec
