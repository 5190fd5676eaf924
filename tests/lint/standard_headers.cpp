#include "standard_headers.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "includes.hpp"

namespace minidocker::lint {
namespace {

struct Header {
  std::string_view name;
  std::string_view gives;  ///< what stands after std::, or after fmt::
};

// Names that more than one header gives are left out, but for those with one natural home.
constexpr Header kHeaders[] = {
    {"algorithm",
     "all_of any_of binary_search clamp copy copy_n count count_if equal fill find find_if "
     "for_each "
     "lower_bound max max_element min min_element minmax mismatch none_of remove_if replace "
     "reverse "
     "search set_difference sort stable_sort transform unique upper_bound"},
    {"array", "array to_array"},
    {"atomic", "atomic memory_order_acquire memory_order_relaxed memory_order_release"},
    {"bit", "bit_cast bit_ceil bit_width countl_zero countr_zero endian popcount"},
    {"charconv", "chars_format from_chars to_chars"},
    {"chrono", "chrono chrono_literals"},
    {"compare", "partial_ordering strong_ordering weak_ordering"},
    {"concepts", "convertible_to derived_from integral invocable same_as unsigned_integral"},
    {"condition_variable", "condition_variable"},
    {"cstddef", "byte ptrdiff_t"},
    {"cstdint",
     "int8_t int16_t int32_t int64_t intptr_t uint8_t uint16_t uint32_t uint64_t uintptr_t"},
    {"cstdlib", "abort at_quick_exit exit free getenv malloc strtol strtoll strtoul strtoull"},
    {"cstring", "memchr memcmp memcpy memmove memset strchr strcmp strerror strlen strncmp"},
    {"deque", "deque"},
    {"exception",
     "current_exception exception exception_ptr rethrow_exception terminate uncaught_exceptions"},
    {"filesystem", "filesystem"},
    {"fstream", "fstream ifstream ofstream"},
    {"functional", "bind_front function greater less reference_wrapper"},
    {"future", "async future promise"},
    {"initializer_list", "initializer_list"},
    {"iostream", "cerr cin cout"},
    {"iterator",
     "advance back_inserter distance inserter istream_iterator istreambuf_iterator "
     "make_move_iterator next prev"},
    {"limits", "numeric_limits"},
    {"list", "list"},
    {"map", "map multimap"},
    {"memory", "make_shared make_unique shared_ptr unique_ptr weak_ptr"},
    {"mutex", "call_once lock_guard mutex once_flag scoped_lock unique_lock"},
    {"new", "bad_alloc nothrow"},
    {"numeric", "accumulate iota"},
    {"optional", "make_optional nullopt optional"},
    {"random", "mt19937 mt19937_64 random_device uniform_int_distribution"},
    {"regex", "regex regex_match regex_replace regex_search smatch sregex_iterator"},
    {"set", "multiset set"},
    {"span", "as_bytes as_writable_bytes span"},
    {"sstream", "istringstream ostringstream stringstream"},
    {"stdexcept", "invalid_argument logic_error out_of_range range_error runtime_error"},
    {"stop_token", "stop_callback stop_source stop_token"},
    {"string", "getline stoi stol stoul stoull string to_string"},
    {"string_view", "string_view"},
    {"system_error", "errc error_code generic_category system_category system_error"},
    {"thread", "jthread this_thread thread"},
    {"tuple", "apply forward_as_tuple make_tuple tie tuple"},
    {"type_traits",
     "decay_t invoke_result_t is_integral_v is_same_v is_signed_v is_trivially_copyable_v "
     "remove_cvref_t remove_reference_t underlying_type_t"},
    {"unordered_map", "unordered_map"},
    {"unordered_set", "unordered_set"},
    {"utility",
     "as_const cmp_less exchange forward in_place make_pair move pair swap to_underlying"},
    {"variant", "get_if holds_alternative monostate variant visit"},
    {"vector", "erase erase_if vector"},
};

constexpr Header kFmt = {"fmt/format.h", "format format_to join memory_buffer print"};

std::map<std::string, std::string_view> homes_of_names() {
  std::map<std::string, std::string_view> homes;
  for (const Header& header : kHeaders) {
    for (std::string& word : words_of(header.gives)) homes.emplace(std::move(word), header.name);
  }
  return homes;
}

/// The identifier at `at`.
std::string_view name_at(std::string_view code, std::size_t at) {
  std::size_t end = at;
  while (end < code.size() && is_word(code[end])) ++end;
  return code.substr(at, end - at);
}

/// The header of the name that stands at `at`, behind "std::" or "fmt::"; empty if none is known.
std::string_view home_of(std::string_view space, std::string_view code, std::size_t at) {
  static const std::map<std::string, std::string_view> homes = homes_of_names();
  static const std::vector<std::string> of_fmt = words_of(kFmt.gives);
  const std::string_view name = name_at(code, at);
  if (space == "fmt") {
    return std::ranges::find(of_fmt, name) == of_fmt.end() ? std::string_view() : kFmt.name;
  }
  const std::size_t after = at + name.size();
  if (name == "ranges" && code.substr(after).starts_with("::")) {
    const std::string_view home = home_of(space, code, after + 2);
    return home == "algorithm" ? home : std::string_view();  // ranges::move is not utility's
  }
  const auto home = homes.find(std::string(name));
  return home == homes.end() ? std::string_view() : home->second;
}

/// Header by header, where `code` first uses something of it.
std::map<std::string_view, std::size_t> first_uses(std::string_view code) {
  std::map<std::string_view, std::size_t> uses;
  for (const std::string_view space : {"std", "fmt"}) {
    for (const std::size_t at : find_word(code, space)) {
      const std::size_t name = at + space.size() + 2;
      if (!code.substr(at + space.size()).starts_with("::")) continue;
      const std::string_view home = home_of(space, code, name);
      if (!home.empty()) uses.emplace(home, name);
    }
  }
  return uses;
}

/// What `file` includes, and what its own header does: a.hpp of a.cpp and of a_test.cpp.
std::set<std::string> names_included(const SourceTree& tree, const SourceFile& file) {
  std::set<std::string> names;
  const auto add = [&](const SourceFile& from) {
    for (const Include& include : includes_of(tree, from)) names.insert(include.name);
  };
  add(file);
  const std::vector<Include> includes = includes_of(tree, file);
  if (includes.empty() || includes.front().target == nullptr || file.is_header()) return names;
  const auto stem = [](std::string_view path) {
    const std::string_view base = path.substr(path.rfind('/') + 1);
    return base.substr(0, base.rfind('.'));
  };
  const SourceFile& first = *includes.front().target;
  if (stem(file.path).starts_with(stem(first.path))) add(first);
  return names;
}

}  // namespace

Findings check_standard_headers(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.is_cpp()) continue;
    const std::set<std::string> included = names_included(tree, file);
    for (const auto& [header, at] : first_uses(file.views.code)) {
      if (included.contains(std::string(header))) continue;
      findings.push_back({file.path, line_of(file.text, at),
                          fmt::format("{} is used and neither it nor its own header includes <{}>",
                                      name_at(file.views.code, at), header)});
    }
  }
  return findings;
}

}  // namespace minidocker::lint
