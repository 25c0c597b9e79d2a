// SPDX-License-Identifier: Apache-2.0
#include "engine/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>

#include <utility>

#include "base/sys.h"

namespace msb::engine {
namespace {

constexpr int kBusyTimeoutMs = 5000;

Error error_of(sqlite3* database, int status, std::string_view call) {
  ErrorCode code = ErrorCode::kIo;
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      code = ErrorCode::kConflict;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      code = ErrorCode::kCorrupt;
      break;
    case SQLITE_FULL:
      code = ErrorCode::kDiskFull;
      break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      code = ErrorCode::kPermissionDenied;
      break;
    default:
      break;
  }
  const char* text = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(status);
  return Error(code, std::string(call) + ": " + text);
}

}  // namespace

SqlStatement::SqlStatement(sqlite3_stmt* statement) : statement_(statement) {}

SqlStatement::SqlStatement(SqlStatement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)) {}

SqlStatement::~SqlStatement() {
  sqlite3_finalize(statement_);
}

void SqlStatement::bind(int position, std::string_view text) {
  // A failed bind (out of memory) shows in step().
  (void)sqlite3_bind_text64(statement_, position, text.data() == nullptr ? "" : text.data(),
                            text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void SqlStatement::bind(int position, std::int64_t number) {
  (void)sqlite3_bind_int64(statement_, position, number);
}

void SqlStatement::bind(int position, double number) {
  (void)sqlite3_bind_double(statement_, position, number);
}

Result<bool> SqlStatement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) {
    return true;
  }
  if (status == SQLITE_DONE) {
    return false;
  }
  return std::unexpected(error_of(sqlite3_db_handle(statement_), status, "sqlite3_step"));
}

std::string SqlStatement::text(int column) const {
  // SAFETY: sqlite3's text is bytes; it is copied by its own length.
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

std::int64_t SqlStatement::number(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double SqlStatement::decimal(int column) const {
  return sqlite3_column_double(statement_, column);
}

void SqlStatement::reset() {
  (void)sqlite3_reset(statement_);  // repeats the error of the last step()
  (void)sqlite3_clear_bindings(statement_);
}

void SqlDatabase::Closer::operator()(sqlite3* database) const {
  (void)sqlite3_close_v2(database);
}

SqlDatabase::SqlDatabase(std::unique_ptr<sqlite3, Closer> database)
    : database_(std::move(database)) {}

Result<SqlDatabase> SqlDatabase::open(const std::string& path) {
  // Created here and not by SQLite, which would leave it to the umask who can read the secrets in
  // environment variables.
  TRY(base::sys::open(path, O_RDWR | O_CREAT, 0600));
  sqlite3* raw = nullptr;
  const int status =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr);
  SqlDatabase database{std::unique_ptr<sqlite3, Closer>(raw)};
  if (status != SQLITE_OK) {
    return std::unexpected(error_of(raw, status, "sqlite3_open(" + path + ")"));
  }
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  // With WAL, "normal" survives a crash of ours; the last commits may be lost with the machine.
  TRY(
      database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                       "PRAGMA foreign_keys = ON;"));
  return database;
}

Result<> SqlDatabase::execute(const std::string& sql) {
  const int status = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) {
    return std::unexpected(error_of(database_.get(), status, "sqlite3_exec"));
  }
  return {};
}

Result<SqlStatement> SqlDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
  if (status != SQLITE_OK) {
    return std::unexpected(error_of(database_.get(), status, "sqlite3_prepare"));
  }
  return SqlStatement(statement);
}

Result<SqlTransaction> SqlTransaction::begin(SqlDatabase& database) {
  TRY(database.execute("BEGIN IMMEDIATE"));
  return SqlTransaction(&database);
}

SqlTransaction::SqlTransaction(SqlTransaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

SqlTransaction::~SqlTransaction() {
  if (database_ != nullptr) {
    (void)database_->execute("ROLLBACK");
  }
}

Result<> SqlTransaction::commit() {
  TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace msb::engine
