// SPDX-License-Identifier: Apache-2.0
//
// The edge to SQLite: owners, statements, errors. Nothing else in the project names its API.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/try.h"

struct sqlite3;
struct sqlite3_stmt;

namespace msb::engine {

// A prepared statement in use. Values are bound by position, from 1.
class SqlStatement {
 public:
  explicit SqlStatement(sqlite3_stmt* statement);
  SqlStatement(SqlStatement&&) noexcept;
  SqlStatement& operator=(SqlStatement&&) = delete;
  ~SqlStatement();

  void bind(int position, std::string_view text);
  void bind(int position, std::int64_t number);
  void bind(int position, double number);
  // True: there is a row. False: done.
  Result<bool> step();
  std::string text(int column) const;
  std::int64_t number(int column) const;
  double decimal(int column) const;
  // Ready to be bound and run again.
  void reset();

 private:
  sqlite3_stmt* statement_;
};

class SqlDatabase {
 public:
  // Opens or creates (0600). WAL, foreign keys, and a busy timeout are on.
  static Result<SqlDatabase> open(const std::string& path);

  Result<> execute(const std::string& sql);
  Result<SqlStatement> prepare(std::string_view sql);

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  explicit SqlDatabase(std::unique_ptr<sqlite3, Closer> database);
  std::unique_ptr<sqlite3, Closer> database_;
};

// BEGIN IMMEDIATE now; ROLLBACK at the end of the scope unless commit() was called.
class SqlTransaction {
 public:
  static Result<SqlTransaction> begin(SqlDatabase& database);
  SqlTransaction(SqlTransaction&& other) noexcept;
  SqlTransaction& operator=(SqlTransaction&&) = delete;
  ~SqlTransaction();
  Result<> commit();

 private:
  explicit SqlTransaction(SqlDatabase* database) : database_(database) {}
  SqlDatabase* database_;
};

}  // namespace msb::engine
