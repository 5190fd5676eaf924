#pragma once
/// \file
/// What `--format` takes: the part of Go's templates (https://pkg.go.dev/text/template) that picks
/// fields. Conditions, loops and functions other than `json` are refused by name.

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace minidocker::cli {

/// Text with fields in it: `{{.Names}}: {{json .State}}`.
class FormatTemplate {
 public:
  /// Throws UsageError with `exit_code` for what it does not understand.
  FormatTemplate(const std::string& text, int exit_code);

  /// The text with the fields of `object`, as Go prints them. Throws UsageError for a field that it
  /// does not have.
  [[nodiscard]] std::string apply(const nlohmann::ordered_json& object) const;

 private:
  /// Text, and the field after it.
  struct Part {
    std::string text;
    std::vector<std::string> path;  // of the field; empty: the whole object
    bool is_json = false;
  };
  [[noreturn]] void refuse(const std::string& why) const;
  Part parse_action(const std::string& action) const;

  int exit_code_;
  std::vector<Part> parts_;
  std::string tail_;
};

/// Rows as a command lists them.
struct Listing {
  /// A field of each row, and what stands above it.
  struct Column {
    std::string field;    ///< "ID"
    std::string heading;  ///< "IMAGE ID"
  };
  std::vector<Column> columns;                           ///< all that there are
  std::vector<std::string> shown;                        ///< fields of the usual table, in order
  std::vector<std::map<std::string, std::string>> rows;  ///< values by field
};

/// The listing in a format: "" or `table`: the usual table; `table TEMPLATE`: one of these fields;
/// `json`: a line of JSON for each row; else a template for each row. Throws UsageError.
[[nodiscard]] std::string listed(const Listing& listing, const std::string& format);

}  // namespace minidocker::cli
