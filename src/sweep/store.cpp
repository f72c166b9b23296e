// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/store.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <system_error>

#include "model/json_file.hpp"
#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"

namespace psoas {
namespace {

namespace fs = std::filesystem;

// "psoS": what `file` and SQLite's own tools show as the owner of a database.
constexpr int application_id = 0x70736f53, schema_version = 1;
constexpr std::uint64_t most_cases = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t most_samples = 100'000'000;  // SQLite holds blobs of up to 1e9 bytes

// ---- errors ----

std::string reason(int error) { return std::generic_category().message(error); }

/// What a failure of SQLite means for somebody who has a file.
Error told(const std::string& path, const SQLite::Exception& error, sqlite3* database) {
  const int code = error.getErrorCode(), extended = error.getExtendedErrorCode();
  const int system = database ? sqlite3_system_errno(database) : 0;
  // SQLite's own clearing up may have left an error number of something else
  const bool told_by_system = system == EACCES || system == EROFS || system == EMFILE || system == ENOSPC ||
                              system == EFBIG || system == EDQUOT || system == EIO || system == ESTALE;
  const std::string why = told_by_system ? reason(system) : error.what();
  switch (code) {
    case SQLITE_NOTADB:
      return {Kind::input, path, "expected the file of a sweep, found one that is no SQLite database"};
    case SQLITE_CORRUPT:
      return {Kind::io, path, "is damaged: " + std::string(error.what())};
    case SQLITE_FULL:
      return {Kind::io, path, "cannot be written: the disk is full; the cases committed before are safe in it"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Kind::io, path, "another program is writing to it"};
    case SQLITE_READONLY:
      if (extended == SQLITE_READONLY_ROLLBACK || extended == SQLITE_READONLY_RECOVERY)
        return {Kind::io, path,
                "was left in the middle of a write, and cannot be put right without the right to write to it"};
      return {Kind::io, path, "cannot be written: expected the right to write to the file and its folder"};
    case SQLITE_CANTOPEN:
      return {Kind::io, path, "cannot be opened, or no file can be made beside it: " + why};
    case SQLITE_IOERR:
      if (extended == SQLITE_IOERR_WRITE || extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_TRUNCATE)
        return {Kind::io, path,
                "cannot be written (" + why +
                    "), as with a limit on the size of files or a failing disk; the cases committed before are safe "
                    "in it"};
      return {Kind::io, path, "cannot be read or written: " + why};
    default:
      return {Kind::io, path, "cannot be used as the file of a sweep: " + std::string(error.what())};
  }
}

/// Runs something of SQLite; its errors become ours.
template <class Call>
auto guarded(const std::string& path, sqlite3* database, Call&& call) {
  try {
    return call();
  } catch (const SQLite::Exception& error) {
    throw told(path, error, database);
  }
}

bool is_busy(const SQLite::Exception& error) {
  return error.getErrorCode() == SQLITE_BUSY || error.getErrorCode() == SQLITE_LOCKED;
}

// ---- texts of SQL ----

std::string numbered(char letter, std::size_t count) {
  std::string text;
  for (std::size_t i = 1; i <= count; ++i) text += fmt::format(", {}{}", letter, i);
  return text;
}

/// A name as SQL writes it.
std::string identifier(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::string schema_text(const StoreHeader& header) {
  std::string columns, names;
  const auto add = [&](char letter, const std::vector<Quantity>& quantities) {
    for (std::size_t i = 1; i <= quantities.size(); ++i) {
      columns += fmt::format(", {}{} REAL", letter, i);
      names += fmt::format(", {}{} AS {}", letter, i, identifier(quantities[i - 1].name));
    }
  };
  add('f', header.factors);
  add('s', header.scalars);
  std::string words;
  for (std::size_t i = 0; i < case_status_words.size(); ++i)
    words += fmt::format(" WHEN {} THEN '{}'", i, case_status_words[i]);
  return fmt::format(
      "PRAGMA application_id = {}; PRAGMA user_version = {};"
      "CREATE TABLE sweep (spec TEXT NOT NULL, fingerprint TEXT NOT NULL, cases INTEGER NOT NULL,"
      " shard INTEGER NOT NULL, shards INTEGER NOT NULL);"
      "CREATE TABLE sessions (number INTEGER PRIMARY KEY, machine TEXT NOT NULL, provenance TEXT NOT NULL);"
      "CREATE TABLE quantities (role TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL,"
      " PRIMARY KEY (role, number)) WITHOUT ROWID;"
      "CREATE TABLE cases (id INTEGER PRIMARY KEY, status INTEGER NOT NULL, message TEXT{});"
      "CREATE TABLE times (id INTEGER PRIMARY KEY, microseconds INTEGER NOT NULL);"
      "CREATE TABLE series (id INTEGER NOT NULL, number INTEGER NOT NULL, samples BLOB NOT NULL,"
      " PRIMARY KEY (id, number)) WITHOUT ROWID;"
      "CREATE VIEW results AS SELECT id AS \"case\", CASE status{} END AS status{}, message FROM cases;",
      application_id, schema_version, columns, words, names);
}

// ---- headers ----

constexpr std::array<const char*, 3> roles{"factor", "scalar", "series"};

std::array<std::vector<Quantity>*, 3> by_role(StoreHeader& header) {
  return {&header.factors, &header.scalars, &header.series};
}
std::array<const std::vector<Quantity>*, 3> by_role(const StoreHeader& header) {
  return {&header.factors, &header.scalars, &header.series};
}

void check_header(const std::string& path, const StoreHeader& header) {
  const auto refuse = [&](const std::string& text) { throw Error(Kind::input, path, text); };
  if (header.scalars.size() > most_sweep_scalars)
    refuse(fmt::format("expected at most {} recorded scalars, found {}", most_sweep_scalars, header.scalars.size()));
  if (header.factors.size() + header.scalars.size() > most_sweep_columns)
    refuse(fmt::format("expected at most {} factors and scalars together, found {}", most_sweep_columns,
                       header.factors.size() + header.scalars.size()));
  if (header.cases > most_cases) refuse(fmt::format("expected at most {} cases, found {}", most_cases, header.cases));
  if (header.shard.count == 0 || header.shard.index == 0 || header.shard.index > header.shard.count)
    refuse(fmt::format("expected a shard from 1/n to n/n, found {}/{}", header.shard.index, header.shard.count));
  for (std::size_t role = 0; role < roles.size(); ++role) {
    std::set<std::string> seen;
    for (const Quantity& quantity : *by_role(header)[role]) {
      const bool control = std::any_of(quantity.name.begin(), quantity.name.end(),
                                       [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
      if (quantity.name.empty() || control || utf8_fault(quantity.name) != std::string::npos)
        refuse(fmt::format("expected a {} with a name in UTF-8 without control characters, found {}", roles[role],
                           in_quotes(quantity.name)));
      if (!seen.insert(quantity.name).second)
        refuse(fmt::format("expected each {} once, found {} twice", roles[role], in_quotes(quantity.name)));
    }
  }
}

/// Places at which two JSON values differ, with both values; stops after a few.
void list_differences(const json& there, const json& here, const std::string& pointer, std::vector<std::string>& out) {
  constexpr std::size_t enough = 5;
  const auto shown = [](const json* value) {
    return value ? excerpt(value->dump(-1, ' ', false, json::error_handler_t::replace), 40) : std::string("nothing");
  };
  const auto member = [](const json& object, const std::string& key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
  };
  const auto compare = [&](const json* a, const json* b, const std::string& key) {
    if (out.size() > enough) return;
    if (a && b)
      list_differences(*a, *b, below(pointer, key), out);
    else
      out.push_back(below(pointer, key) + ": " + shown(a) + " there, " + shown(b) + " now");
  };
  if (there == here) return;
  if (there.is_object() && here.is_object()) {
    for (const auto& [key, value] : there.items()) compare(&value, member(here, key), key);
    for (const auto& [key, value] : here.items())
      if (!there.contains(key)) compare(nullptr, &value, key);
  } else if (there.is_array() && here.is_array() && there.size() == here.size()) {
    for (std::size_t i = 0; i < there.size(); ++i) compare(&there[i], &here[i], std::to_string(i));
  } else if (out.size() <= enough) {
    out.push_back((pointer.empty() ? "" : pointer + ": ") + shown(&there) + " there, " + shown(&here) + " now");
  }
}

std::vector<std::string> differences_of_texts(const std::string& there, const std::string& here) {
  std::vector<std::string> found;
  if (there == here) return found;
  try {
    list_differences(JsonFile::parse("there", there).root(), JsonFile::parse("now", here).root(), "", found);
  } catch (const Error&) {  // one of them is no JSON
    found.push_back(in_quotes(there, 40) + " there, " + in_quotes(here, 40) + " now");
  }
  if (found.size() > 5) found.back() = "and more";
  return found;
}

/// Why two headers are not of one sweep, or empty.
std::string other_sweep(const StoreHeader& there, const StoreHeader& here) {
  std::vector<std::string> found;
  if (there.fingerprint != here.fingerprint) {
    found = differences_of_texts(there.spec, here.spec);
    if (found.empty())
      found.push_back("fingerprint " + excerpt(there.fingerprint) + " there, " + excerpt(here.fingerprint) + " now");
  }
  if (there.cases != here.cases) found.push_back(fmt::format("{} cases there, {} now", there.cases, here.cases));
  for (std::size_t role = 0; role < roles.size(); ++role) {
    const std::vector<Quantity>&a = *by_role(there)[role], &b = *by_role(here)[role];
    if (a == b) continue;
    const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    const auto shown = [](const auto& place, const auto& end) {
      return place == end ? std::string("none") : in_quotes(place->name) + " [" + excerpt(place->unit) + "]";
    };
    found.push_back(fmt::format("{} {}: {} there, {} now", roles[role], at.first - a.begin() + 1,
                                shown(at.first, a.end()), shown(at.second, b.end())));
  }
  return join(found, "; ");
}

std::string shown_cases(const std::vector<CaseRange>& ranges) {
  std::vector<std::string> words;
  for (const CaseRange& range : ranges) {
    if (words.size() == 5) {
      words.emplace_back("…");
      break;
    }
    words.push_back(range.end - range.begin == 1 ? std::to_string(range.begin)
                                                 : fmt::format("{} to {}", range.begin, range.end - 1));
  }
  return join(words, ", ");
}

std::uint64_t count_of(const std::vector<CaseRange>& ranges) {
  std::uint64_t count = 0;
  for (const CaseRange& range : ranges) count += range.end - range.begin;
  return count;
}

// ---- numbers ----

std::string bytes_of(const std::vector<double>& samples) {
  std::string bytes;
  bytes.reserve(8 * samples.size());
  for (const double sample : samples) {
    const auto bits = std::bit_cast<std::uint64_t>(sample);
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>((bits >> shift) & 255u);
  }
  return bytes;
}

std::vector<double> samples_of(const unsigned char* bytes, std::size_t size) {
  std::vector<double> samples(size / 8);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::uint64_t bits = 0;
    for (unsigned k = 8; k-- > 0;) bits = bits << 8 | bytes[8 * i + k];
    samples[i] = std::bit_cast<double>(bits);
  }
  return samples;
}

std::int64_t microseconds(double seconds) {
  return seconds > 0.0 ? static_cast<std::int64_t>(std::llround(std::min(seconds, 1e12) * 1e6)) : 0;
}

/// A statement that is ready for its next use again, whatever happened in this one.
class Use {
 public:
  explicit Use(SQLite::Statement& statement) : statement_(statement) {}
  ~Use() { statement_.tryReset(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  SQLite::Statement& statement_;
};

enum class Way { begin, read, write };

std::string absolute(const std::string& path) {
  if (path.empty()) throw Error(Kind::io, "", "expected a file name, found an empty one");
  if (path.find('\0') != path.npos)
    throw Error(Kind::io, path.substr(0, path.find('\0')), "expected a file name, found one with a zero byte");
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);  // ":memory:" means something else to SQLite
  return error ? path : whole.string();
}

/// Whether there is a file with something in it; refuses what is no file.
bool is_there(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(absolute(path), error);
  if (status.type() == fs::file_type::not_found) return false;
  if (error) throw Error(Kind::io, path, "cannot be read: " + error.message());
  if (status.type() == fs::file_type::directory)
    throw Error(Kind::io, path, "expected the file of a sweep, found a folder");
  if (status.type() != fs::file_type::regular)
    throw Error(Kind::io, path, "expected the file of a sweep, found a device or pipe");
  // a size of 0 may hide a first write that was cut short, which leaves a journal
  const std::uintmax_t size = fs::file_size(absolute(path), error);
  return !error && size > 0;
}

/// Makes an empty file, so that what forbids it has its own words, which SQLite does not hand on.
void touch(const std::string& path) {
  const fs::path folder = fs::path(absolute(path)).parent_path();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(Kind::io, path, "cannot make the folder " + folder.string() + ": " + error.message());
  const int file = ::open(absolute(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) throw Error(Kind::io, path, "cannot be written: " + reason(errno));
  ::close(file);
}

void check_readable(const std::string& path) {
  if (::faccessat(AT_FDCWD, absolute(path).c_str(), R_OK, AT_EACCESS) != 0)
    throw Error(Kind::io, path, "cannot be read: " + reason(errno));
}

/// Opened for writing even to read: a journal that a killed program left is rolled back then.
SQLite::Database open_database(const std::string& path, double wait) {
  return guarded(path, nullptr, [&] {
    SQLite::Database database(absolute(path), SQLite::OPEN_READWRITE,
                              static_cast<int>(std::clamp(wait, 0.0, 3600.0) * 1000.0));
    // a file from somebody else may hold more than rows
    database.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    return database;
  });
}

}  // namespace

struct Store::Impl {
  std::string path;
  SQLite::Database database;
  StoreHeader header{};
  std::vector<std::pair<std::string, std::string>> sessions{};  // machine, provenance
  bool writing = false, broken = false;
  std::optional<SQLite::Statement> add_case{}, add_time{}, add_series{}, find{};

  Impl(std::string name, double wait) : path(std::move(name)), database(open_database(path, wait)) {}

  template <class Call>
  auto run(Call&& call) {
    return guarded(path, database.getHandle(), std::forward<Call>(call));
  }

  [[noreturn]] void damaged(const std::string& text) const { throw Error(Kind::io, path, "is damaged: " + text); }

  std::uint64_t whole(const SQLite::Column& column, const char* what) const {
    const std::int64_t value = column.getInt64();
    if (!column.isInteger() || value < 0) damaged(std::string(what) + " is no whole number");
    return static_cast<std::uint64_t>(value);
  }

  // ---- beginning and opening ----

  void set_modes() {
    database.exec("PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192;");
  }

  bool is_empty() {
    return run([&] { return database.execAndGet("PRAGMA page_count").getInt64() == 0; });
  }

  /// Writes the header. `sessions` is what a merged file begins with.
  void begin(const StoreHeader& given, const std::vector<std::pair<std::string, std::string>>& first_sessions) {
    check_header(path, given);
    run([&] {
      set_modes();
      database.exec("BEGIN IMMEDIATE");
      if (database.execAndGet("SELECT count(*) FROM sqlite_master").getInt64() != 0)
        throw Error(Kind::io, path, "another program is writing to it");
      database.exec(schema_text(given));
      SQLite::Statement sweep(database, "INSERT INTO sweep VALUES (?, ?, ?, ?, ?)");
      sweep.bind(1, given.spec);
      sweep.bind(2, given.fingerprint);
      sweep.bind(3, static_cast<std::int64_t>(given.cases));
      sweep.bind(4, static_cast<std::int64_t>(given.shard.index));
      sweep.bind(5, static_cast<std::int64_t>(given.shard.count));
      sweep.exec();
      for (const auto& [machine, provenance] : first_sessions) add_session(machine, provenance);
      SQLite::Statement quantity(database, "INSERT INTO quantities VALUES (?, ?, ?, ?)");
      for (std::size_t role = 0; role < roles.size(); ++role) {
        std::int64_t number = 0;
        for (const auto& [name, unit] : *by_role(given)[role]) {
          const Use use(quantity);
          quantity.bind(1, roles[role]);
          quantity.bind(2, ++number);
          quantity.bind(3, name);
          quantity.bind(4, unit);
          quantity.exec();
        }
      }
      database.exec("COMMIT");
    });
    header = given;
    sessions = first_sessions;
  }

  void add_session(const std::string& machine, const std::string& provenance) {
    SQLite::Statement session(database, "INSERT INTO sessions (machine, provenance) VALUES (?, ?)");
    session.bind(1, machine);
    session.bind(2, provenance);
    session.exec();
  }

  /// Reads the header of a file that is there, after a check of the whole file.
  void load() {
    run([&] {
      const int owner = database.execAndGet("PRAGMA application_id").getInt();
      if (is_empty()) throw Error(Kind::input, path, "expected the file of a sweep, found an empty file");
      if (owner != application_id)
        throw Error(Kind::input, path, "expected the file of a sweep, found an SQLite database of another program");
      const int version = database.execAndGet("PRAGMA user_version").getInt();
      if (version != schema_version)
        throw Error(Kind::input, path,
                    fmt::format("expected version {} of the file of a sweep, found {}", schema_version, version));
      // SQLite takes what is cut off the last page for zeros
      const std::int64_t bytes =
          database.execAndGet("PRAGMA page_count").getInt64() * database.execAndGet("PRAGMA page_size").getInt64();
      if (const auto found = static_cast<std::int64_t>(fs::file_size(absolute(path))); found < bytes)
        damaged(fmt::format("expected {} bytes, found {}", bytes, found));
      const std::string verdict = database.execAndGet("PRAGMA quick_check(1)").getString();
      if (verdict != "ok") damaged(excerpt(verdict, 200));

      SQLite::Statement sweep(database, "SELECT spec, fingerprint, cases, shard, shards FROM sweep");
      if (!sweep.executeStep()) damaged("it does not say what it is about");
      header.spec = sweep.getColumn(0).getString();
      header.fingerprint = sweep.getColumn(1).getString();
      header.cases = whole(sweep.getColumn(2), "the number of cases");
      header.shard.index = static_cast<std::uint32_t>(whole(sweep.getColumn(3), "the shard"));
      header.shard.count = static_cast<std::uint32_t>(whole(sweep.getColumn(4), "the number of shards"));
      SQLite::Statement session(database, "SELECT machine, provenance FROM sessions ORDER BY number");
      while (session.executeStep())
        sessions.emplace_back(session.getColumn(0).getString(), session.getColumn(1).getString());
      if (sessions.empty()) damaged("it does not say what computed it");
      std::tie(header.machine, header.provenance) = sessions.front();
      SQLite::Statement quantity(database, "SELECT name, unit FROM quantities WHERE role = ? ORDER BY number");
      for (std::size_t role = 0; role < roles.size(); ++role) {
        const Use use(quantity);
        quantity.bind(1, roles[role]);
        while (quantity.executeStep())
          by_role(header)[role]->push_back({quantity.getColumn(0).getString(), quantity.getColumn(1).getString()});
      }
    });
    check_header(path, header);
    prepare_find();
    const CaseRange range = header.shard.range(header.cases);
    run([&] {
      SQLite::Statement ends(database, "SELECT (SELECT min(id) FROM cases), (SELECT max(id) FROM cases)");
      ends.executeStep();
      if (ends.getColumn(0).isNull()) return;
      if (whole(ends.getColumn(0), "a case") < range.begin || whole(ends.getColumn(1), "a case") >= range.end)
        damaged("it has cases outside of its shard");
    });
  }

  void prepare_find() {
    run([&] { find.emplace(database, "SELECT 1 FROM cases WHERE id = ?"); });
  }

  void start_writing() {
    writing = true;
    prepare_find();
    run([&] {
      const std::size_t columns = 3 + header.factors.size() + header.scalars.size();
      std::string marks = "?";
      for (std::size_t i = 1; i < columns; ++i) marks += ", ?";
      add_case.emplace(database, "INSERT INTO cases VALUES (" + marks + ")");
      add_time.emplace(database, "INSERT INTO times VALUES (?, ?)");
      add_series.emplace(database, "INSERT INTO series VALUES (?, ?, ?)");
      database.exec("BEGIN IMMEDIATE");
    });
  }

  /// A new session in a file that is there: that it can be written shows here, and not after an hour's work.
  void go_on(const StoreHeader& given) {
    run([&] {
      set_modes();
      database.exec("BEGIN IMMEDIATE");
      add_session(given.machine, given.provenance);
      database.exec("COMMIT");
    });
    sessions.emplace_back(given.machine, given.provenance);
    start_writing();
  }

  // ---- reading ----

  SQLite::Statement select_rows(const std::string& where) {
    return {database, "SELECT id, status, message" + numbered('f', header.factors.size()) +
                          numbered('s', header.scalars.size()) + " FROM cases" + where + " ORDER BY id"};
  }

  double number_in(const SQLite::Column& column) const {
    if (column.isNull()) return std::numeric_limits<double>::quiet_NaN();
    if (!column.isFloat() && !column.isInteger()) damaged("it has text where a number is expected");
    return column.getDouble();
  }

  void read_row(const SQLite::Statement& statement, CaseRow& row) const {
    row.index = whole(statement.getColumn(0), "a case");
    const std::uint64_t status = whole(statement.getColumn(1), "a status");
    if (status >= case_status_words.size()) damaged(fmt::format("case {} has no known status", row.index));
    row.status = static_cast<CaseStatus>(status);
    const SQLite::Column message = statement.getColumn(2);
    row.message = message.isNull() ? std::string() : message.getString();
    int column = 3;
    for (double& value : row.factors) value = number_in(statement.getColumn(column++));
    for (double& value : row.scalars) value = number_in(statement.getColumn(column++));
  }

  // ---- writing ----

  void check_row(const CaseRow& row) const {
    if (!writing) throw Error(Kind::input, path, "was opened to be read, and takes no cases");
    if (broken) throw Error(Kind::io, path, "takes no more cases, as it could not be written before");
    const auto refuse = [&](const std::string& text) {
      throw Error(Kind::input, path, fmt::format("case {}: {}", row.index, text));
    };
    const CaseRange range = header.shard.range(header.cases);
    if (row.index < range.begin || row.index >= range.end)
      refuse(fmt::format("expected one from {} to {}", range.begin, range.end - 1));
    if (row.factors.size() != header.factors.size())
      refuse(fmt::format("expected {} factors, found {}", header.factors.size(), row.factors.size()));
    if (row.scalars.size() != header.scalars.size())
      refuse(fmt::format("expected {} scalars, found {}", header.scalars.size(), row.scalars.size()));
    for (const std::vector<double>& samples : row.series)
      if (samples.size() > most_samples)
        refuse(fmt::format("expected series of at most {} samples, found {}", most_samples, samples.size()));
    if (!row.series.empty() && row.series.size() != header.series.size())
      refuse(fmt::format("expected {} series or none, found {}", header.series.size(), row.series.size()));
  }

  void insert(const CaseRow& row) {
    const auto id = static_cast<std::int64_t>(row.index);
    {
      const Use use(*add_case);
      add_case->bind(1, id);
      add_case->bind(2, static_cast<int>(row.status));
      if (row.message.empty())
        add_case->bind(3);
      else
        add_case->bindNoCopy(3, row.message);
      int column = 4;
      for (const double value : row.factors) add_case->bind(column++, value);  // nan becomes NULL
      for (const double value : row.scalars) add_case->bind(column++, value);
      add_case->exec();
    }
    {
      const Use use(*add_time);
      add_time->bind(1, id);
      add_time->bind(2, microseconds(row.seconds));
      add_time->exec();
    }
    for (std::size_t i = 0; i < row.series.size(); ++i) {
      const Use use(*add_series);
      const std::string bytes = bytes_of(row.series[i]);
      add_series->bind(1, id);
      add_series->bind(2, static_cast<std::int64_t>(i + 1));
      add_series->bindNoCopy(3, bytes.data(), static_cast<int>(bytes.size()));
      add_series->exec();
    }
  }

  bool commit() {
    if (!writing || broken) return true;
    try {
      database.exec("COMMIT");
    } catch (const SQLite::Exception& error) {
      if (is_busy(error)) return false;
      give_up(error);
    }
    // From here to the end of the session nobody else gets in to write.
    try {
      database.exec("BEGIN IMMEDIATE");
    } catch (const SQLite::Exception& error) {
      give_up(error);
    }
    return true;
  }

  [[noreturn]] void give_up(const SQLite::Exception& error) { throw broken_by(error); }

  Error broken_by(const SQLite::Exception& error) {
    Error why = told(path, error, database.getHandle());
    broken = true;
    database.tryExec("ROLLBACK");  // after what the database had to say of the error
    return why;
  }

  void close() {
    if (!writing) return;
    if (!broken) {
      if (!commit()) throw Error(Kind::io, path, "another program has read it for too long; the last cases are not in");
      run([&] { database.exec("ROLLBACK"); });  // of nothing: the commit began a new transaction
    }
    writing = false;
    // takes the emptied journal away
    database.tryExec("PRAGMA journal_mode = DELETE");
  }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&& other) noexcept {
  Store taken(std::move(other));  // what was here is committed and closed
  std::swap(impl_, taken.impl_);
  return *this;
}

Store::~Store() {
  if (!impl_) return;
  try {
    impl_->close();
  } catch (const std::exception&) {  // a destructor has nobody to tell
  }
}

Store Store::create(const std::string& path, const StoreHeader& header, const StoreWriting& writing) {
  check_header(path, header);
  if (is_there(path))
    throw Error(Kind::input, path, "is there already: expected a new name, or the wish to resume what is in it");
  touch(path);
  auto impl = std::make_unique<Impl>(path, writing.wait);
  if (!impl->is_empty())  // a journal has shown what is in it
    throw Error(Kind::input, path, "is there already: expected a new name, or the wish to resume what is in it");
  impl->begin(header, {{header.machine, header.provenance}});
  impl->start_writing();
  return Store(std::move(impl));
}

Store Store::resume(const std::string& path, const StoreHeader& header, const StoreWriting& writing) {
  if (!is_there(path)) return create(path, header, writing);
  check_header(path, header);
  check_readable(path);
  auto impl = std::make_unique<Impl>(path, writing.wait);
  if (impl->is_empty()) {  // its first write was cut short
    impl.reset();
    return create(path, header, writing);
  }
  impl->load();
  if (const std::string why = other_sweep(impl->header, header); !why.empty())
    throw Error(Kind::input, path, "is of another sweep: " + why);
  if (impl->header.shard != header.shard)
    throw Error(Kind::input, path,
                fmt::format("is of another shard: {}/{} there, {}/{} now", impl->header.shard.index,
                            impl->header.shard.count, header.shard.index, header.shard.count));
  for (const auto& [machine, provenance] : impl->sessions)
    if (machine != header.machine && !writing.mixed)
      throw Error(Kind::input, path,
                  "was begun on another machine, on which the last bits of numbers may differ: " + in_quotes(machine) +
                      " there, " + in_quotes(header.machine) + " now");
  impl->go_on(header);
  return Store(std::move(impl));
}

Store Store::open(const std::string& path) {
  if (!is_there(path)) {
    if (!fs::exists(absolute(path))) throw Error(Kind::io, path, "expected a file, found none of this name");
    throw Error(Kind::input, path, "expected the file of a sweep, found an empty file");
  }
  check_readable(path);
  auto impl = std::make_unique<Impl>(path, StoreWriting{}.wait);
  impl->load();
  return Store(std::move(impl));
}

const std::string& Store::path() const { return impl_->path; }
const StoreHeader& Store::header() const { return impl_->header; }

bool Store::finished(std::uint64_t index) const {
  if (index > most_cases || !impl_->find) return false;
  return impl_->run([&] {
    const Use use(*impl_->find);
    impl_->find->bind(1, static_cast<std::int64_t>(index));
    return impl_->find->executeStep();
  });
}

std::vector<CaseRange> Store::missing() const {
  const CaseRange range = impl_->header.shard.range(impl_->header.cases);
  std::vector<CaseRange> gaps;
  std::uint64_t next = range.begin;
  impl_->run([&] {
    SQLite::Statement ids(impl_->database, "SELECT id FROM cases ORDER BY id");
    while (ids.executeStep()) {
      const std::uint64_t id = impl_->whole(ids.getColumn(0), "a case");
      if (id > next) gaps.push_back({next, id});
      next = id + 1;
    }
  });
  if (next < range.end) gaps.push_back({next, range.end});
  return gaps;
}

StoreStatus Store::status() const {
  StoreStatus status;
  const CaseRange range = impl_->header.shard.range(impl_->header.cases);
  status.cases = status.missing = range.end - range.begin;
  impl_->run([&] {
    SQLite::Statement counts(impl_->database, "SELECT status, count(*) FROM cases GROUP BY status");
    while (counts.executeStep()) {
      const std::uint64_t word = impl_->whole(counts.getColumn(0), "a status");
      if (word >= status.finished.size()) impl_->damaged("it has cases of no known status");
      status.finished[word] = impl_->whole(counts.getColumn(1), "a count");
      status.missing -= status.finished[word];
    }
    status.seconds = impl_->database.execAndGet("SELECT total(microseconds) FROM times").getDouble() * 1e-6;
    status.bytes = static_cast<std::uint64_t>(impl_->database.execAndGet("PRAGMA page_count").getInt64() *
                                              impl_->database.execAndGet("PRAGMA page_size").getInt64());
  });
  return status;
}

void Store::at_one_moment(const std::function<void()>& work) const {
  if (impl_->writing) return work();  // nobody else writes
  impl_->run([&] {
    SQLite::Transaction moment(impl_->database);
    work();
  });
}

void Store::read(const std::function<void(const CaseRow&)>& see) const {
  CaseRow row;
  row.factors.resize(impl_->header.factors.size());
  row.scalars.resize(impl_->header.scalars.size());
  impl_->run([&] {
    // Times go alongside: together with the cases they would be more columns than a result may have.
    SQLite::Statement cases = impl_->select_rows("");
    SQLite::Statement times(impl_->database, "SELECT id, microseconds FROM times ORDER BY id");
    while (cases.executeStep()) {
      impl_->read_row(cases, row);
      if (!times.executeStep() || impl_->whole(times.getColumn(0), "a case") != row.index)
        impl_->damaged(fmt::format("case {} has no time", row.index));
      row.seconds = static_cast<double>(impl_->whole(times.getColumn(1), "a time")) * 1e-6;
      see(row);
    }
  });
}

std::vector<std::vector<double>> Store::series(std::uint64_t index) const {
  std::vector<std::vector<double>> series;
  if (index > most_cases) return series;
  impl_->run([&] {
    SQLite::Statement blobs(impl_->database, "SELECT samples FROM series WHERE id = ? ORDER BY number");
    blobs.bind(1, static_cast<std::int64_t>(index));
    while (blobs.executeStep()) {
      const SQLite::Column column = blobs.getColumn(0);
      const int size = column.getBytes();
      if (size % 8 != 0) impl_->damaged(fmt::format("a series of case {} has no whole number of samples", index));
      series.push_back(samples_of(static_cast<const unsigned char*>(column.getBlob()), static_cast<std::size_t>(size)));
    }
  });
  if (!series.empty() && series.size() != impl_->header.series.size())
    impl_->damaged(fmt::format("case {} lacks series", index));
  return series;
}

void Store::add(const CaseRow& row) {
  impl_->check_row(row);
  try {
    impl_->insert(row);
  } catch (const SQLite::Exception& error) {
    if (error.getErrorCode() == SQLITE_CONSTRAINT)
      throw Error(Kind::input, impl_->path, fmt::format("case {} is there already", row.index));
    impl_->give_up(error);
  }
}

bool Store::commit() { return impl_->commit(); }
void Store::close() { impl_->close(); }

void merge_stores(const std::vector<std::string>& shards, const std::string& path, const StoreMerging& merging) {
  if (shards.empty()) throw Error(Kind::input, path, "expected shards to merge, found none");

  // All are looked at before anything is written, one open at a time.
  struct Part {
    std::string path;
    std::uint64_t first = 0;  // case
    StoreHeader header;
    std::vector<std::pair<std::string, std::string>> sessions;
  };
  std::vector<Part> parts;
  for (const std::string& shard : shards) {
    const Store store = Store::open(shard);
    Part part{shard, most_cases, store.header(), store.impl_->sessions};
    store.impl_->run([&] {
      const SQLite::Column first = store.impl_->database.execAndGet("SELECT min(id) FROM cases");
      if (!first.isNull()) part.first = store.impl_->whole(first, "a case");
    });
    std::error_code error;
    for (const Part& other : parts)
      if (fs::equivalent(absolute(other.path), absolute(shard), error))
        throw Error(Kind::input, shard, "is named twice, also as " + other.path);
    if (fs::equivalent(absolute(path), absolute(shard), error))
      throw Error(Kind::input, path, "cannot be both a shard and the file to write");
    if (!parts.empty()) {
      if (const std::string why = other_sweep(parts[0].header, part.header); !why.empty())
        throw Error(Kind::input, shard, "is of another sweep than " + parts[0].path + ": " + why);
    }
    for (const auto& [machine, provenance] : part.sessions)
      for (const Part& other : parts)
        if (const std::string& first = other.sessions.front().first; machine != first && !merging.mixed)
          throw Error(Kind::input, shard,
                      "is of another machine than " + other.path + ", and the last bits of numbers may differ: " +
                          in_quotes(first) + " there, " + in_quotes(machine) + " here");
    parts.push_back(std::move(part));
  }
  const auto key = [](const Part& part) {
    return std::tie(part.first, part.header.shard.count, part.header.shard.index, part.sessions);
  };
  std::sort(parts.begin(), parts.end(), [&](const Part& a, const Part& b) { return key(a) < key(b); });

  StoreHeader header = parts[0].header;
  header.shard = {};
  std::vector<std::pair<std::string, std::string>> sessions;
  for (const Part& part : parts) sessions.insert(sessions.end(), part.sessions.begin(), part.sessions.end());
  make_file(path, [&](const std::string& temporary) {
    const auto clear = [&] {
      std::error_code ignored;
      fs::remove(temporary + "-journal", ignored);
    };
    try {
      auto impl = std::make_unique<Store::Impl>(temporary, StoreWriting{}.wait);
      impl->path = path;  // for messages
      impl->begin(header, sessions);
      SQLite::Database& database = impl->database;
      for (const Part& part : parts) {
        impl->run([&] {
          SQLite::Statement attach(database, "ATTACH ? AS shard");
          attach.bind(1, absolute(part.path));
          attach.exec();
        });
        impl->run([&] {
          database.exec("BEGIN IMMEDIATE");
          std::optional<std::uint64_t> twice;
          {
            SQLite::Statement both(
                database, "SELECT a.id FROM shard.cases AS a CROSS JOIN main.cases AS b ON b.id = a.id LIMIT 1");
            if (both.executeStep()) twice = impl->whole(both.getColumn(0), "a case");
          }
          for (const Part& other : parts)
            if (twice && &other != &part && Store::open(other.path).finished(*twice))
              throw Error(Kind::input, part.path, fmt::format("has case {}, which is also in {}", *twice, other.path));
          database.exec(
              "INSERT INTO main.cases SELECT * FROM shard.cases ORDER BY id;"
              "INSERT INTO main.times SELECT * FROM shard.times ORDER BY id;"
              "INSERT INTO main.series SELECT * FROM shard.series ORDER BY id, number;"
              "COMMIT; DETACH shard");
        });
      }
      Store merged(std::move(impl));
      merged.impl_->writing = true;
      merged.impl_->run([&] { merged.impl_->database.exec("BEGIN IMMEDIATE"); });
      const std::vector<CaseRange> gaps = merged.missing();
      if (!gaps.empty() && !merging.allow_missing)
        throw Error(Kind::input, path,
                    fmt::format("is not written: {} of {} cases are in no shard: {}", count_of(gaps), header.cases,
                                shown_cases(gaps)));
      merged.close();
    } catch (...) {
      clear();
      throw;
    }
  });
}

}  // namespace psoas
