#include "names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

constexpr std::array kAdjectives{
    "able",    "amused",   "bold",    "brave",  "bright",  "calm",    "candid",  "careful",
    "cheery",  "clever",   "curious", "daring", "eager",   "earnest", "fair",    "fearless",
    "festive", "fluent",   "focused", "frank",  "gentle",  "gifted",  "glad",    "graceful",
    "happy",   "honest",   "humble",  "jolly",  "keen",    "kind",    "lively",  "lucid",
    "merry",   "mindful",  "modest",  "nimble", "noble",   "patient", "playful", "polite",
    "proud",   "quick",    "quiet",   "quirky", "relaxed", "serene",  "sharp",   "sincere",
    "smart",   "spirited", "steady",  "stoic",  "sunny",   "tender",  "thrifty", "tidy",
    "upbeat",  "vibrant",  "warm",    "wise",   "witty",   "zealous", "zen",     "zippy"};

// People of operating systems, languages, networks and the mathematics below them.
constexpr std::array kSurnames{
    "allen",    "babbage",   "backus",    "bernerslee", "boole",    "borg",       "cerf",
    "chomsky",  "church",    "clarke",    "codd",       "corbato",  "curry",      "dahl",
    "dijkstra", "engelbart", "floyd",     "goedel",     "goldberg", "gosling",    "hamilton",
    "hamming",  "hoare",     "hopper",    "ingalls",    "iverson",  "johnson",    "kahn",
    "kay",      "keller",    "kernighan", "kleene",     "knuth",    "lamarr",     "lamport",
    "liskov",   "lovelace",  "mccarthy",  "mcilroy",    "milner",   "minsky",     "moore",
    "naur",     "neumann",   "newell",    "nygaard",    "perlis",   "perlman",    "pike",
    "postel",   "ritchie",   "shannon",   "simon",      "stallman", "stroustrup", "sutherland",
    "tarjan",   "thompson",  "torvalds",  "turing",     "wheeler",  "wilkes",     "wirth",
    "zuse"};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

template <class List>
const char* pick(const List& list, std::random_device& random) {
  return list[std::uniform_int_distribution<std::size_t>(0, list.size() - 1)(random)];
}

}  // namespace

std::string make_id() {
  std::random_device random;
  std::string id;
  do {
    id.clear();
    for (int word = 0; word < 8; ++word) id += fmt::format("{:08x}", random());
  } while (std::all_of(id.begin(), id.begin() + 12, [](char c) { return c <= '9'; }));
  return id;
}

std::string short_id(std::string_view id) { return std::string(id.substr(0, 12)); }

std::string make_name(int attempt) {
  std::random_device random;
  std::string name = fmt::format("{}_{}", pick(kAdjectives, random), pick(kSurnames, random));
  if (attempt > 0) name += std::to_string(random() % 10);
  return name;
}

void check_name(std::string_view name) {
  const bool is_good =
      name.size() >= 2 && is_letter_or_digit(name.front()) && std::ranges::all_of(name, [](char c) {
        return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
      });
  if (is_good) return;
  throw Error(
      ErrorKind::invalid_argument,
      fmt::format("Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name));
}

}  // namespace minidocker::engine
