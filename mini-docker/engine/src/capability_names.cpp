#include "capability_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string_view>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/linux_names.hpp"

namespace minidocker::engine {
namespace {

using security::CapabilitySet;

/// `CAP_NET_ADMIN` for `net_admin`: people spell names as they like.
std::string in_full(std::string name) {
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name.starts_with("CAP_") ? name : "CAP_" + name;
}

bool is_all(const std::string& name) { return in_full(name) == "CAP_ALL"; }

/// The union of the names; nothing for "ALL", which means another thing for either flag.
CapabilitySet parse_named(const std::vector<std::string>& names, std::string_view flag) {
  CapabilitySet set;
  for (const std::string& name : names) {
    if (is_all(name)) continue;
    const std::optional<int> number = capability_number(in_full(name));
    if (!number) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("invalid {}: unknown capability: \"{}\"", flag, name));
    }
    set.bits |= std::uint64_t{1} << *number;
  }
  return set;
}

}  // namespace

std::vector<std::string> choose_capabilities(const std::vector<std::string>& add,
                                             const std::vector<std::string>& drop,
                                             CapabilitySet grantable) {
  const CapabilitySet added = parse_named(add, "CapAdd");
  const CapabilitySet dropped = parse_named(drop, "CapDrop");
  // docker: ALL to add leaves out what is dropped by name; ALL to drop leaves what is added.
  CapabilitySet set = security::default_capabilities() & grantable;
  if (std::ranges::any_of(drop, is_all)) set = {};
  if (std::ranges::any_of(add, is_all)) set = grantable;
  return names_of_capabilities((set - dropped) | added);
}

std::vector<std::string> names_of_capabilities(CapabilitySet set) {
  std::vector<std::string> names;
  for (int number = 0; number < security::kKnownCapabilities; ++number) {
    if (set.has(number)) names.push_back(security::capability_name(number));
  }
  return names;
}

}  // namespace minidocker::engine
