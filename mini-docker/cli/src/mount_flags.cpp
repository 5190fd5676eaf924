#include "mount_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

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
  return source.starts_with('/') || source == "." || source == ".." || source.starts_with("./") ||
         source.starts_with("../");
}

void apply_volume_option(MountRequest& mount, const std::string& option, const std::string& text) {
  if (option == "ro") {
    mount.read_only = true;
  } else if (is_in(kPropagations, option)) {
    mount.propagation = option;
  } else if (option != "rw" && !is_in(kWithoutMeaning, option)) {
    bad_volume(text, fmt::format("unknown option '{}'", option));
  }
}

/// `key=value`, or `key` with the value "true".
struct Field {
  std::string key;
  std::string value;
  bool has_value = false;
};

Field parse_field(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, "true", false};
  return {text.substr(0, equals), text.substr(equals + 1), true};
}

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

void apply_field(MountRequest& mount, const Field& field, const std::string& text) {
  const std::string& key = field.key;
  if (key == "readonly" || key == "ro") {
    mount.read_only = truth(field, text);
  } else if (key == "bind-nonrecursive") {
    mount.recursive = !truth(field, text);
  } else if (!field.has_value) {
    bad_mount(text, fmt::format("invalid field '{}' must be a key=value pair", key));
  } else if (key == "type") {
    set_type(mount, field, text);
  } else if (key == "source" || key == "src") {
    mount.source = field.value.starts_with('.') ? fs::absolute(field.value).lexically_normal()
                                                : fs::path(field.value);
  } else if (key == "target" || key == "destination" || key == "dst") {
    mount.target = field.value;
  } else if (key == "bind-propagation" && is_in(kPropagations, field.value)) {
    mount.propagation = field.value;
  } else if (key == "tmpfs-size") {
    mount.options.push_back("size=" + field.value);
  } else if (key == "tmpfs-mode") {
    mount.options.push_back("mode=" + field.value);
  } else if (key != "consistency") {
    bad_mount(text, fmt::format("unexpected key '{}' in '{}={}'", key, key, field.value));
  }
}

bool names_type(const std::string& text) {
  const std::vector<std::string> fields = split(text, ',');
  return std::ranges::any_of(fields, [](const auto& field) { return field.starts_with("type="); });
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
  if (parts.size() == 3) {
    for (const std::string& option : split(parts[2], ',')) apply_volume_option(mount, option, text);
  }
  return mount;
}

MountRequest parse_mount(const std::string& text) {
  MountRequest mount;
  for (const std::string& field : split(text, ',')) apply_field(mount, parse_field(field), text);
  if (!names_type(text)) set_type(mount, {"type", "volume", true}, text);  // docker's default
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
