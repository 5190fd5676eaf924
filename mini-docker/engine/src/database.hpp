#pragma once
/// \file
/// A thin owner of SQLite's handles (https://sqlite.org/c3ref/intro.html).

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace minidocker::engine {

/// Thrown beside Error for a UNIQUE or PRIMARY KEY clash, so that callers need not read texts.
struct UniqueClash {
  std::string message;  ///< SQLite's words, naming table and column
};

/// A prepared statement being run. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);  ///< prepares; throws Error(internal)

  Statement& bind(int index, std::string_view text);  ///< copies `text`
  Statement& bind(int index, std::int64_t number);    ///< a number or a truth

  /// Runs to the next row; false at the end. Throws Error(internal) or UniqueClash.
  bool step();
  /// Runs to the end.
  void run();
  [[nodiscard]] std::string text(int column) const;     ///< of the present row
  [[nodiscard]] std::int64_t number(int column) const;  ///< of the present row

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// An open database in WAL mode. Several processes may have it open: writers wait for each other.
class Database {
 public:
  /// Opens or makes the file. Throws Error naming it.
  explicit Database(const std::string& path);

  /// Runs statements without parameters or rows.
  void execute(const std::string& sql);
  /// Prepares one statement.
  [[nodiscard]] Statement prepare(std::string_view sql) const;
  /// Brings the tables to the newest version, as one transaction: step N leads from version N
  /// (PRAGMA user_version) to N + 1. Throws Error(unavailable) for a version that is newer still.
  void migrate(std::span<const char* const> steps);

 private:
  [[nodiscard]] std::size_t version() const;
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// BEGIN IMMEDIATE until commit(); rolled back otherwise.
class Transaction {
 public:
  explicit Transaction(Database& database);  ///< waits for other writers
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();  ///< durable towards other processes from here

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace minidocker::engine
