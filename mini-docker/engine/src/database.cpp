#include "database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

/// Another process holds the write lock for the length of one small transaction.
constexpr int kBusyTimeoutMs = 10'000;

/// Of the last call whose failure SQLite has logged since this thread asked it for something; it is
/// a part of its log.
thread_local int logged_errno = 0;

/// Called by SQLite: `os_unix.c:4711: (28) full_fsync(FILE) - no space left on device`.
void note_errno(void*, int, const char* message) {
  const char* const number = std::strstr(message, ": (");
  if (number != nullptr) logged_errno = std::atoi(number + 3);
}

/// SQLite says "disk I/O error". What the kernel said stands in its log, or it is kept by one of
/// its files, or by the connection, which may have asked for something else since.
int errno_of(sqlite3* database, int primary) {
  if (primary == SQLITE_FULL) return ENOSPC;  // no limit is set but the disk's
  int error = logged_errno;
  if (error == 0) sqlite3_file_control(database, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  sqlite3_file* journal = nullptr;
  if (error == 0) {
    sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal);
  }
  if (journal != nullptr && journal->pMethods != nullptr) {
    journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &error);
  }
  return error == 0 ? sqlite3_system_errno(database) : error;
}

[[noreturn]] void fail(sqlite3* database, std::string_view what) {
  const int extended = sqlite3_extended_errcode(database);
  const std::string message = sqlite3_errmsg(database);
  if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY) {
    throw UniqueClash{message};
  }
  const int primary = extended & 0xff;
  const bool is_host = primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY ||
                       primary == SQLITE_FULL || primary == SQLITE_IOERR;
  const int error = is_host ? errno_of(database, primary) : 0;
  throw Error(is_host ? ErrorKind::unavailable : ErrorKind::internal,
              fmt::format("engine's records: {}: {}{}", what, message,
                          error == 0 ? "" : fmt::format(" ({})", errno_name(error))));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) fail(database, sql);
  statement_.reset(statement);
}

Statement& Statement::bind(int index, std::string_view text) {
  // A string_view without bytes may hold a null pointer, which SQLite would take for NULL.
  const char* data = text.empty() ? "" : text.data();
  if (sqlite3_bind_text(statement_.get(), index, data, static_cast<int>(text.size()),
                        SQLITE_TRANSIENT) != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_.get()), "bind");
  }
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  if (sqlite3_bind_int64(statement_.get(), index, number) != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_.get()), "bind");
  }
  return *this;
}

bool Statement::step() {
  logged_errno = 0;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  fail(sqlite3_db_handle(statement_.get()), sqlite3_sql(statement_.get()));
}

void Statement::run() {
  while (step()) {
  }
}

std::string Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void Database::Close::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }

Database::Database(const std::string& path) {
  static const int configured = sqlite3_config(SQLITE_CONFIG_LOG, &note_errno, nullptr);
  static_cast<void>(configured);
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(handle, path);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  // FULL: a row is on the disk before what it announces. With NORMAL a power cut could take the
  // last rows and leave the layers and directories that they were committed for.
  execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
}

void Database::execute(const std::string& sql) {
  logged_errno = 0;
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail(handle_.get(), sql);
  }
}

Statement Database::prepare(std::string_view sql) const { return {handle_.get(), sql}; }

std::size_t Database::version() const {
  Statement asked = prepare("PRAGMA user_version");
  asked.step();
  return static_cast<std::size_t>(asked.number(0));
}

void Database::migrate(std::span<const char* const> steps) {
  if (version() == steps.size()) return;
  Transaction transaction(*this);
  const std::size_t found = version();  // another process may have been first
  if (found > steps.size()) {
    throw Error(
        ErrorKind::unavailable,
        fmt::format("engine's records: they are of version {}, this mini-docker knows {}: a "
                    "newer one has been here",
                    found, steps.size()));
  }
  for (const char* step : steps.subspan(found)) execute(step);
  execute(fmt::format("PRAGMA user_version={}", steps.size()));
  transaction.commit();
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // SQLite has rolled back already; closing the handle would do it in any case.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace minidocker::engine
