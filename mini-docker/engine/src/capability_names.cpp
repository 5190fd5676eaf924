#include "capability_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

using security::CapabilitySet;

bool is_all(const std::string& name) {
  std::string upper = name;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper == "ALL" || upper == "CAP_ALL";
}

/// The union of the names; nothing for "ALL", which means another thing for either flag.
CapabilitySet parse_named(std::vector<std::string> names, std::string_view flag) {
  std::erase_if(names, is_all);
  std::vector<std::string> unknown;
  const CapabilitySet set = security::parse_capabilities(names, &unknown);
  if (unknown.empty()) return set;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("invalid {}: unknown capability: \"{}\"", flag, unknown.front()));
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
