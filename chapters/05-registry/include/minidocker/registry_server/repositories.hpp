#pragma once
/// \file
/// Who has what: the names of a registry, as files.
///
/// ```
///   DIR/repositories/NAME/_blobs/HEX           empty: this repository has the blob
///   DIR/repositories/NAME/_manifests/HEX       the media type under which it was given
///   DIR/repositories/NAME/_tags/TAG            the digest that the tag stands for
///   DIR/repositories/NAME/_referrers/HEX/HEX   the second is a manifest about the first
/// ```
/// The content itself is in the store of chapter 4, once for all repositories. No part of a name
/// begins with `_`, so no repository can be mistaken for these directories. What a name leads to is
/// written before the name, so a run that is killed leaves content without names at most.
///
/// Every change takes the store's lock; reading needs none, as files are replaced as a whole.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/store.hpp"

namespace minidocker::registry_server {

/// Refuses what is no name of a repository, by the grammar that clients hold themselves to. Throws
/// ApiError NAME_INVALID.
void check_repository(std::string_view name);

/// Names below one directory. Any number of threads may use it.
class Repositories {
 public:
  /// `dir` is made when the first name is given.
  explicit Repositories(std::string dir) : dir_(std::move(dir)) {}

  /// All repositories that have a manifest, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Has it ever been given anything?
  [[nodiscard]] bool exists(const std::string& name) const;
  /// Every digest that some repository has, as hex digits.
  [[nodiscard]] std::set<std::string> used() const;

  /// Has the repository this blob?
  [[nodiscard]] bool has_blob(const std::string& name, const images::Digest& digest) const;
  /// Gives it the blob, which must be in the store.
  void add_blob(const images::StoreLock& lock, const std::string& name,
                const images::Digest& digest) const;
  /// Takes it away; false if it had none.
  bool remove_blob(const images::StoreLock& lock, const std::string& name,
                   const images::Digest& digest) const;

  /// The media type of a manifest that the repository has.
  [[nodiscard]] std::optional<std::string> find_manifest(const std::string& name,
                                                         const images::Digest& digest) const;
  /// Gives it the manifest, which must be in the store; `subject` is what it is about.
  void add_manifest(const images::StoreLock& lock, const std::string& name,
                    const images::Digest& digest, const std::string& media_type,
                    const std::optional<images::Digest>& subject) const;
  /// Takes it away, with all tags that stand for it; false if it had none.
  bool remove_manifest(const images::StoreLock& lock, const std::string& name,
                       const images::Digest& digest,
                       const std::optional<images::Digest>& subject) const;
  /// The manifests that are about `subject`, sorted.
  [[nodiscard]] std::vector<images::Digest> referrers(const std::string& name,
                                                      const images::Digest& subject) const;

  /// All tags of the repository, sorted.
  [[nodiscard]] std::vector<std::string> tags(const std::string& name) const;
  /// What the tag stands for.
  [[nodiscard]] std::optional<images::Digest> find_tag(const std::string& name,
                                                       const std::string& tag) const;
  /// Lets it stand for `digest` from now on.
  void set_tag(const images::StoreLock& lock, const std::string& name, const std::string& tag,
               const images::Digest& digest) const;
  /// Forgets it; false if there was none.
  bool remove_tag(const images::StoreLock& lock, const std::string& name,
                  const std::string& tag) const;

 private:
  [[nodiscard]] std::string place(const std::string& name, std::string_view kind,
                                  std::string_view entry) const;
  void write(const std::string& name, std::string_view kind, std::string_view entry,
             std::string_view content) const;
  std::string dir_;
};

}  // namespace minidocker::registry_server
