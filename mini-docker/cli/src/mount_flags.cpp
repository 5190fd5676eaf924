#include "mount_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/bytes.hpp"
#include "minidocker/toolbox/error.hpp"
#include "usage_error.hpp"
#include "words.hpp"

namespace fs = std::filesystem;

namespace minidocker::cli {
namespace {

using engine::MountRequest;
using engine::MountType;

constexpr std::array<std::string_view, 6> kPropagations{"private", "rprivate", "slave",
                                                        "rslave",  "shared",   "rshared"};
/// Of labels and caches of other systems, as docker takes them on Linux.
constexpr std::array<std::string_view, 6> kWithoutMeaning{"z",      "Z",         "cached",
                                                          "nocopy", "delegated", "consistent"};

template <class List>
bool is_in(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

[[noreturn]] void bad_volume(const std::string& text, std::string_view why) {
  throw UsageError(fmt::format("invalid volume specification: '{}': {}", text, why));
}

bool is_path(const std::string& source) {
  return source.starts_with('/') || source.starts_with('.');
}

/// What is mounted in the container would be seen on the host.
void refuse_shared(const std::string& propagation, const std::string& flag) {
  if (propagation != "shared" && propagation != "rshared") return;
  throw UsageError(
      fmt::format("run {}: not supported yet: {} propagation; private and slave, and "
                  "their recursive forms, are there",
                  flag, propagation));
}

void apply_volume_option(MountRequest& mount, const std::string& option, const std::string& text) {
  if (option == "ro") {
    mount.read_only = true;
  } else if (is_in(kPropagations, option)) {
    refuse_shared(option, "-v " + text);
    mount.propagation = option;
  } else if (option != "rw" && !is_in(kWithoutMeaning, option)) {
    bad_volume(text, fmt::format("unknown option '{}'", option));
  }
}

/// docker takes one option of a kind.
void apply_volume_options(MountRequest& mount, const std::string& options,
                          const std::string& text) {
  int modes = 0;
  int propagations = 0;
  for (const std::string& option : split(options, ',')) {
    apply_volume_option(mount, option, text);
    modes += option == "ro" || option == "rw" ? 1 : 0;
    propagations += is_in(kPropagations, option) ? 1 : 0;
  }
  if (modes > 1 || propagations > 1) bad_volume(text, fmt::format("invalid mode: {}", options));
}

/// `key=value`, or `key` with the value "true".
struct Field {
  std::string key;
  std::string value;
};

[[noreturn]] void bad_mount(const std::string& text, const std::string& why) {
  throw UsageError(fmt::format("invalid argument \"{}\" for \"--mount\" flag: {}", text, why));
}

bool truth(const Field& field, const std::string& text) {
  if (field.value == "true" || field.value == "1") return true;
  if (field.value == "false" || field.value == "0") return false;
  bad_mount(text, fmt::format("invalid value for {}: {}", field.key, field.value));
}

void set_type(MountRequest& mount, const Field& field, const std::string& text) {
  if (field.value == "bind") {
    mount.type = MountType::bind;
  } else if (field.value == "tmpfs") {
    mount.type = MountType::tmpfs;
  } else if (field.value == "volume") {
    throw UsageError(
        "run --mount type=volume: not supported yet: volumes come with the daemon; "
        "use type=bind or type=tmpfs");
  } else {
    bad_mount(text, fmt::format("mount type unknown: \"{}\"", field.value));
  }
}

void apply_bind_field(MountRequest& mount, const Field& field, const std::string& text) {
  if (field.key == "bind-propagation") {
    if (!is_in(kPropagations, field.value)) {
      bad_mount(text, fmt::format("invalid value for {}: {}", field.key, field.value));
    }
    refuse_shared(field.value, "--mount " + text);
    mount.propagation = field.value;
  } else if (field.key == "bind-nonrecursive") {
    mount.recursive = !truth(field, text);
  } else if (field.key == "bind-recursive") {
    // Of docker's further values `writable` and `readonly` say how deep `readonly` goes.
    if (field.value != "enabled" && field.value != "disabled") {
      throw UsageError(
          fmt::format("run --mount {}: not supported yet: of bind-recursive, enabled "
                      "and disabled are there",
                      text));
    }
    mount.recursive = field.value == "enabled";
  } else {
    bad_mount(text,
              fmt::format("unexpected key '{}' in '{}={}'", field.key, field.key, field.value));
  }
}

void apply_tmpfs_field(MountRequest& mount, const Field& field, const std::string& text) {
  const auto bad_value = [&] {
    bad_mount(text, fmt::format("invalid value for {}: {}", field.key, field.value));
  };
  if (field.key == "tmpfs-size") {
    try {
      mount.options.push_back(fmt::format("size={}", parse_bytes(field.value, field.key).value));
    } catch (const Error&) {
      bad_value();
    }
  } else if (field.key == "tmpfs-mode") {
    const bool is_octal = !field.value.empty() && field.value.size() <= 5 &&
                          field.value.find_first_not_of("01234567") == std::string::npos;
    if (!is_octal) bad_value();
    mount.options.push_back("mode=" + field.value);
  } else {
    bad_mount(text,
              fmt::format("unexpected key '{}' in '{}={}'", field.key, field.key, field.value));
  }
}

/// A key that all types have; false for any other.
bool apply_common_field(MountRequest& mount, const Field& field, const std::string& text) {
  const std::string& key = field.key;
  if (key == "readonly" || key == "ro") {
    mount.read_only = truth(field, text);
  } else if (key == "type") {
    set_type(mount, field, text);
  } else if (key == "source" || key == "src") {
    mount.source = field.value.starts_with('.') ? fs::absolute(field.value).lexically_normal()
                                                : fs::path(field.value);
  } else if (key == "target" || key == "destination" || key == "dst") {
    mount.target = field.value;
  } else {
    return key == "consistency";
  }
  return true;
}

bool may_stand_alone(const std::string& key) {
  return key == "readonly" || key == "ro" || key == "bind-nonrecursive";
}

std::vector<Field> parse_fields(const std::string& text) {
  std::vector<Field> fields;
  for (const std::string& part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    if (equals != std::string::npos) {
      fields.push_back({part.substr(0, equals), part.substr(equals + 1)});
    } else if (may_stand_alone(part)) {
      fields.push_back({part, "true"});
    } else {
      bad_mount(text, fmt::format("invalid field '{}' must be a key=value pair", part));
    }
  }
  return fields;
}

void apply_field(MountRequest& mount, const Field& field, const std::string& text) {
  if (apply_common_field(mount, field, text)) return;
  if (field.key.starts_with("tmpfs-")) return apply_tmpfs_field(mount, field, text);
  apply_bind_field(mount, field, text);
}

/// Keys of one type with another one: docker refuses what it would have to ignore.
void refuse_mixing(const MountRequest& mount, const std::vector<Field>& fields) {
  const bool is_bind = mount.type == MountType::bind;
  for (const std::string_view other : {"bind-", "volume-", "tmpfs-"}) {
    if (other == (is_bind ? "bind-" : "tmpfs-")) continue;
    const auto is_other = [&](const Field& field) { return field.key.starts_with(other); };
    if (std::ranges::none_of(fields, is_other)) continue;
    throw UsageError(fmt::format("cannot mix '{}*' options with mount type '{}'", other,
                                 is_bind ? "bind" : "tmpfs"));
  }
}

/// Without one docker means a volume.
Field type_of(const std::vector<Field>& fields) {
  const auto place = std::ranges::find(fields.rbegin(), fields.rend(), "type", &Field::key);
  return place == fields.rend() ? Field{"type", "volume"} : *place;
}

void check_mount(const MountRequest& mount, const std::string& text) {
  if (mount.target.empty()) bad_mount(text, "target is required");
  const bool is_tmpfs = mount.type == MountType::tmpfs;
  if (is_tmpfs && !mount.source.empty()) bad_mount(text, "type=tmpfs takes no source");
  if (!is_tmpfs && mount.source.empty()) {
    bad_mount(text, "invalid mount config for type \"bind\": field Source must not be empty");
  }
  if (!is_tmpfs && !mount.source.starts_with('/')) {
    bad_mount(text, fmt::format("invalid mount config for type \"bind\": invalid mount path: '{}' "
                                "mount path must be absolute",
                                mount.source));
  }
}

}  // namespace

MountRequest parse_volume(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  for (const std::string& part : parts) {
    if (part.empty())
      throw UsageError(fmt::format("invalid spec: {}: empty section between colons", text));
  }
  if (parts.size() > 3) bad_volume(text, "too many colons");
  if (parts.size() == 1) {
    throw UsageError(
        fmt::format("run -v {}: not supported yet: anonymous volumes come with the "
                    "daemon; use -v HOSTPATH:{} or --tmpfs {}",
                    text, text, text));
  }
  if (!is_path(parts[0])) {
    throw UsageError(
        fmt::format("run -v {}: not supported yet: named volumes come with the "
                    "daemon; for a directory here use -v ./{}",
                    text, text));
  }
  MountRequest mount;
  mount.source = fs::absolute(parts[0]).lexically_normal();
  mount.target = parts[1];
  mount.missing_source = engine::MissingSource::create_directory;
  if (parts.size() == 3) apply_volume_options(mount, parts[2], text);
  return mount;
}

MountRequest parse_mount(const std::string& text) {
  MountRequest mount;
  const std::vector<Field> fields = parse_fields(text);
  set_type(mount, type_of(fields), text);
  refuse_mixing(mount, fields);
  for (const Field& field : fields) apply_field(mount, field, text);
  check_mount(mount, text);
  return mount;
}

MountRequest parse_tmpfs(const std::string& text) {
  MountRequest mount;
  mount.type = MountType::tmpfs;
  const std::size_t colon = text.find(':');
  mount.target = text.substr(0, colon);
  if (mount.target.empty()) throw UsageError("invalid --tmpfs: the path is empty");
  if (colon != std::string::npos) mount.options = split(text.substr(colon + 1), ',');
  return mount;
}

}  // namespace minidocker::cli
