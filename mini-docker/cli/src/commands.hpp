#pragma once
/// \file
/// The commands, and what stands before them on the command line.

#include <optional>
#include <string>
#include <vector>

#include "minidocker/engine/engine.hpp"

namespace minidocker::cli {

/// Words of a command line.
using Words = std::vector<std::string>;

/// What stands before the command.
struct Globals {
  std::optional<std::string> root;            ///< --root
  std::optional<std::string> storage_driver;  ///< --storage-driver
  std::string cgroup_driver;                  ///< --cgroup-driver
  std::vector<std::string> mirrors;           ///< --registry-mirror, each
  std::optional<trace::Format> explain;       ///< --explain
};

/// What a command that failed exits with, unless it is `run`.
inline constexpr int kFailed = 1;

/// The engine that these mean; its warnings are printed. Throws Error.
[[nodiscard]] engine::Engine open_engine(const Globals& globals);
/// To standard output.
void print(const std::string& text);
/// Throws UsageError in docker's words unless there are `count` words.
void require_count(const Words& words, std::size_t count, const std::string& command);
/// Likewise for at least one.
void require_some(const Words& words, const std::string& command);
/// The last one given; empty: none.
[[nodiscard]] std::string last(const Words& values);

/// \name Each takes the words after its name, and returns the exit code. Throws UsageError, Error.
///@{
int list_images(const Globals& globals, const Words& args);     ///< images
int tag(const Globals& globals, const Words& args);             ///< tag
int remove_images(const Globals& globals, const Words& args);   ///< rmi
int history(const Globals& globals, const Words& args);         ///< history
int prune_images(const Globals& globals, const Words& args);    ///< image prune
int check_images(const Globals& globals, const Words& args);    ///< image check
int image_tree(const Globals& globals, const Words& args);      ///< image tree
int inspect(const Globals& globals, const Words& args);         ///< inspect
int inspect_images(const Globals& globals, const Words& args);  ///< image inspect
int pull(const Globals& globals, const Words& args);            ///< pull
int push(const Globals& globals, const Words& args);            ///< push
int search(const Globals& globals, const Words& args);          ///< search: refused
int login(const Globals& globals, const Words& args);           ///< login
int logout(const Globals& globals, const Words& args);          ///< logout
int load(const Globals& globals, const Words& args);            ///< load
int save(const Globals& globals, const Words& args);            ///< save
int import_root(const Globals& globals, const Words& args);     ///< import
int export_root(const Globals& globals, const Words& args);     ///< export
int serve_registry(const Globals& globals, const Words& args);  ///< registry serve
int disk_usage(const Globals& globals, const Words& args);      ///< system df
int prune_system(const Globals& globals, const Words& args);    ///< system prune
///@}

}  // namespace minidocker::cli
