// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/store.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netcdf.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "psoas/io/file.hpp"
#include "support/errors.hpp"
#include "support/no_rights.hpp"
#include "support/repeats.hpp"
#include "support/temp_folder.hpp"

namespace psoas {
namespace {

using test::error_of;
using test::NoRights;
using test::place_of;
using test::TempFolder;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

StoreHeader small_header(std::uint64_t cases) {
  StoreHeader header;
  header.spec = R"({"format":"psoas-sweep/1","vary":{"/subject/mass":{"uniform":{"low":45,"high":100}}}})";
  header.fingerprint = "0123456789abcdef";
  header.machine = "some CPU, some C library";
  header.provenance = R"({"host":"here"})";
  header.factors = {{"/subject/mass", "kg"}, {"strength", ""}};
  header.scalars = {{"peak compression/L5_S1", "N"}, {"mean a, \"b\"", "m"}, {"final c", ""}};
  header.series = {{"time", "s"}, {"compression/L5_S1", "N"}};
  header.cases = cases;
  return header;
}

// A row that is a function of its number, with some of everything.
CaseRow row_of(std::uint64_t index) {
  CaseRow row;
  row.index = index;
  const auto x = static_cast<double>(index);
  row.factors = {45.0 + std::fmod(x * 0.618033988749895, 55.0), 0.5 + 0.125 * static_cast<double>(index % 5)};
  row.scalars = {1000.0 * std::sin(x) + 0.1, std::exp(-0.01 * x), x / 3.0};
  row.seconds = 0.25 + 0.5 * static_cast<double>(index % 2);
  if (index % 7 == 3) {
    row.status = CaseStatus::failed;
    row.message = "pointer /a: expected \"x\", found 1\nand another";
    row.scalars = {nan, nan, nan};
  }
  if (index % 11 == 5) row.status = CaseStatus::not_converged, row.message = "residual 1.5 N";
  if (index % 13 == 6) row.status = CaseStatus::dropped, row.message = "", row.scalars = {nan, nan, nan};
  return row;
}

void fill(Store& store, const std::vector<CaseRange>& ranges, std::uint64_t each = 100) {
  std::uint64_t since = 0;
  for (const CaseRange& range : ranges)
    for (std::uint64_t i = range.begin; i < range.end; ++i) {
      store.add(row_of(i));
      if (++since % each == 0) {
        EXPECT_TRUE(store.commit());
      }
    }
}

std::string csv_of(const Store& store) {
  const TempFolder folder;
  export_csv(store, folder / "a.csv");
  return folder.read("a.csv");
}

std::string whole_csv(std::uint64_t cases) {
  const TempFolder folder;
  Store store = Store::create(folder / "a.db", small_header(cases));
  fill(store, store.missing());
  return csv_of(store);
}

std::vector<std::uint64_t> shuffled(std::uint64_t count, unsigned seed) {
  std::vector<std::uint64_t> order(count);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  for (std::uint64_t i = count; i > 1; --i) {
    seed = seed * 1664525u + 1013904223u;
    std::swap(order[i - 1], order[(seed >> 8) % i]);
  }
  return order;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Runs something in a process of its own and gives its wait status. `meanwhile` is told the process's number.
template <class Work>
int in_child(
    Work&& work, const std::function<void(pid_t)>& meanwhile = [](pid_t) {}) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 0;
    try {
      work();
    } catch (const Error& error) {
      code = error.kind() == Kind::io ? 3 : 4;
    } catch (...) {
      code = 5;
    }
    ::_exit(code);
  }
  meanwhile(child);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

// ---- what goes in comes out ----

TEST(Store, RowsComeBackBitForBit) {
  const TempFolder folder;
  const std::vector<double> hard = {0.1,
                                    -1e300,
                                    5e-324,
                                    std::numeric_limits<double>::infinity(),
                                    -std::numeric_limits<double>::infinity(),
                                    nan,
                                    9007199254740993.0,
                                    -3.0,
                                    1.0 / 3.0,
                                    1e22};
  StoreHeader header = small_header(100);
  std::vector<CaseRow> rows;
  for (const std::uint64_t index : {99u, 0u, 41u, 7u}) {
    CaseRow row = row_of(index);
    for (std::size_t i = 0; i < 3; ++i) row.scalars[i] = hard[(index + i) % hard.size()];
    row.factors[0] = hard[(index + 3) % hard.size()];
    if (index == 41) row.series = {{0.0, 0.01, 0.02}, {1.0, nan, -0.0}};
    rows.push_back(row);
  }
  {
    Store store = Store::create(folder / "deep/er/a.db", header);
    for (const CaseRow& row : rows) store.add(row);
    EXPECT_TRUE(store.commit());
    store.close();
  }
  EXPECT_EQ(folder.names(), (std::set<std::string>{"deep", "deep/er", "deep/er/a.db"}));

  const Store store = Store::open(folder / "deep/er/a.db");
  EXPECT_EQ(store.header().spec, header.spec);
  EXPECT_EQ(store.header().fingerprint, header.fingerprint);
  EXPECT_EQ(store.header().machine, header.machine);
  EXPECT_EQ(store.header().provenance, header.provenance);
  EXPECT_EQ(store.header().factors, header.factors);
  EXPECT_EQ(store.header().scalars, header.scalars);
  EXPECT_EQ(store.header().series, header.series);
  EXPECT_EQ(store.header().cases, 100u);

  std::sort(rows.begin(), rows.end(), [](const CaseRow& a, const CaseRow& b) { return a.index < b.index; });
  std::size_t at = 0;
  store.read([&](const CaseRow& row) {
    ASSERT_LT(at, rows.size());
    const CaseRow& given = rows[at++];
    EXPECT_EQ(row.index, given.index);
    EXPECT_EQ(row.status, given.status);
    EXPECT_EQ(row.message, given.message);
    EXPECT_EQ(row.seconds, given.seconds);
    ASSERT_EQ(row.factors.size(), 2u);
    ASSERT_EQ(row.scalars.size(), 3u);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(same(row.factors[i], given.factors[i])) << row.index << " " << i;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(same(row.scalars[i], given.scalars[i])) << row.index << " " << i;
  });
  EXPECT_EQ(at, 4u);
  const auto series = store.series(41);
  ASSERT_EQ(series.size(), 2u);
  EXPECT_EQ(series[0], (std::vector<double>{0.0, 0.01, 0.02}));
  ASSERT_EQ(series[1].size(), 3u);
  EXPECT_EQ(series[1][0], 1.0);
  EXPECT_TRUE(std::isnan(series[1][1]));
  EXPECT_TRUE(std::signbit(series[1][2]));
  EXPECT_TRUE(store.series(7).empty());
}

TEST(Store, KnowsWhatIsMissing) {
  const TempFolder folder;
  StoreHeader header = small_header(100);
  header.shard = {2, 3};  // 34 to 66
  EXPECT_EQ(header.shard.range(100), (CaseRange{34, 67}));
  Store store = Store::create(folder / "a.db", header);
  EXPECT_EQ(store.missing(), (std::vector<CaseRange>{{34, 67}}));
  for (const std::uint64_t index : {36u, 50u, 37u, 66u, 34u}) store.add(row_of(index));
  EXPECT_EQ(store.missing(), (std::vector<CaseRange>{{35, 36}, {38, 50}, {51, 66}}));
  EXPECT_TRUE(store.finished(50));
  EXPECT_FALSE(store.finished(51));
  EXPECT_FALSE(store.finished(std::numeric_limits<std::uint64_t>::max()));
  const StoreStatus status = store.status();
  EXPECT_EQ(status.cases, 33u);
  EXPECT_EQ(status.missing, 28u);
  EXPECT_EQ(status.finished, (std::array<std::uint64_t, 4>{4, 0, 1, 0}));  // 66 failed
  EXPECT_NEAR(status.seconds, 0.25 * 4 + 0.75, 1e-9);
  EXPECT_GT(status.bytes, 4096u);
}

TEST(Store, ShardsArePartsOfTheWhole) {
  for (const std::uint64_t cases : {0ull, 1ull, 7ull, 100ull, 1000000000000ull})
    for (const std::uint32_t count : {1u, 2u, 3u, 7u, 1000u}) {
      std::uint64_t next = 0;
      for (std::uint32_t i = 1; i <= count; ++i) {
        const CaseRange range = Shard{i, count}.range(cases);
        EXPECT_EQ(range.begin, next);
        EXPECT_LE(range.end - range.begin, cases / count + 1);
        EXPECT_GE(range.end - range.begin, cases / count);
        next = range.end;
      }
      EXPECT_EQ(next, cases);
    }
}

TEST(Store, HoldsAsManyColumnsAsItSays) {
  const TempFolder folder;
  StoreHeader header = small_header(3);
  header.scalars.clear(), header.factors.clear();
  for (std::size_t i = 0; i < most_sweep_scalars; ++i) header.scalars.push_back({"s" + std::to_string(i), "N"});
  while (header.factors.size() + header.scalars.size() < most_sweep_columns)
    header.factors.push_back({"s" + std::to_string(header.factors.size()), ""});  // names that scalars have too
  Store store = Store::create(folder / "a.db", header);
  CaseRow row;
  row.factors.assign(header.factors.size(), 0.5);
  row.scalars.resize(header.scalars.size());
  for (std::size_t i = 0; i < row.scalars.size(); ++i) row.scalars[i] = 0.1 * static_cast<double>(i);
  store.add(row);
  store.close();
  std::size_t seen = 0;
  Store::open(folder / "a.db").read([&](const CaseRow& read) {
    ++seen;
    EXPECT_EQ(read.scalars, row.scalars);
    EXPECT_EQ(read.factors, row.factors);
  });
  EXPECT_EQ(seen, 1u);
  EXPECT_NO_THROW(export_netcdf(store, folder / "a.nc"));

  header.scalars.push_back({"one more", ""});
  EXPECT_EQ(error_of([&] { Store::create(folder / "b.db", header); }),
            folder / "b.db: expected at most 1900 recorded scalars, found 1901");
  header.scalars.pop_back();
  header.factors.push_back({"one more", ""});
  EXPECT_EQ(error_of([&] { Store::create(folder / "b.db", header); }),
            folder / "b.db: expected at most 1990 factors and scalars together, found 1991");
  EXPECT_FALSE(std::filesystem::exists(folder / "b.db"));
}

TEST(Store, RefusesWhatDoesNotFit) {
  const TempFolder folder;
  const auto header_error = [&](auto&& change) {
    StoreHeader header = small_header(10);
    change(header);
    const std::string text = error_of([&] { Store::create(folder / "b.db", header); });
    EXPECT_FALSE(std::filesystem::exists(folder / "b.db")) << text;
    return text.substr(std::min(text.size(), (folder / "b.db: ").size()));
  };
  EXPECT_EQ(header_error([](StoreHeader& h) { h.scalars[1].name = h.scalars[0].name; }),
            "expected each scalar once, found \"peak compression/L5_S1\" twice");
  EXPECT_EQ(header_error([](StoreHeader& h) { h.factors[1].name = "a\nb"; }),
            "expected a factor with a name in UTF-8 without control characters, found \"a\\x0ab\"");
  EXPECT_EQ(header_error([](StoreHeader& h) { h.series[1].name = ""; }),
            "expected a series with a name in UTF-8 without control characters, found \"\"");
  EXPECT_EQ(header_error([](StoreHeader& h) { h.shard = {3, 2}; }), "expected a shard from 1/n to n/n, found 3/2");
  EXPECT_EQ(header_error([](StoreHeader& h) { h.shard = {0, 0}; }), "expected a shard from 1/n to n/n, found 0/0");
  EXPECT_EQ(header_error([](StoreHeader& h) { h.cases = ~std::uint64_t{0}; }),
            "expected at most 9223372036854775807 cases, found 18446744073709551615");

  Store store = Store::create(folder / "a.db", small_header(10));
  const auto row_error = [&](auto&& change) {
    CaseRow row = row_of(4);
    change(row);
    const std::string text = error_of([&] { store.add(row); });
    return text.substr(std::min(text.size(), (folder / "a.db: ").size()));
  };
  EXPECT_EQ(row_error([](CaseRow& r) { r.index = 10; }), "case 10: expected one from 0 to 9");
  EXPECT_EQ(row_error([](CaseRow& r) { r.factors.pop_back(); }), "case 4: expected 2 factors, found 1");
  EXPECT_EQ(row_error([](CaseRow& r) { r.scalars.push_back(1); }), "case 4: expected 3 scalars, found 4");
  EXPECT_EQ(row_error([](CaseRow& r) { r.series = {{1.0}}; }), "case 4: expected 2 series or none, found 1");
  store.add(row_of(4));
  EXPECT_EQ(row_error([](CaseRow&) {}), "case 4 is there already");
  store.add(row_of(5));  // the refusal took nothing back
  EXPECT_TRUE(store.commit());
  EXPECT_EQ(store.status().missing, 8u);

  EXPECT_EQ(place_of([&] { Store::create(folder / "a.db", small_header(10)); }),
            (std::pair<std::string, std::string>{"input", folder / "a.db"}));
  Store reader = Store::open(folder / "a.db");
  EXPECT_EQ(error_of([&] { reader.add(row_of(6)); }), folder / "a.db: was opened to be read, and takes no cases");
}

TEST(Store, MovingOnKeepsWhatWasAdded) {
  const TempFolder folder;
  Store store = Store::create(folder / "a.db", small_header(10));
  store.add(row_of(1));
  store = Store::create(folder / "b.db", small_header(10));
  EXPECT_TRUE(Store::open(folder / "a.db").finished(1));
}

// ---- exports ----

TEST(StoreExport, CsvIsTheSameInAnyOrder) {
  const TempFolder folder;
  Store store = Store::create(folder / "a.db", small_header(5));
  for (const std::uint64_t index : {3u, 0u, 4u}) store.add(row_of(index));
  EXPECT_EQ(csv_of(store),
            "case,status,/subject/mass,strength,peak compression/L5_S1,\"mean a, \"\"b\"\"\",final c,message\n"
            "0,ok,45,0.5,0.1,1,0,\n"
            "3,failed,46.85410196624969,0.875,nan,nan,nan,"
            "\"pointer /a: expected \"\"x\"\", found 1; and another\"\n"
            "4,ok,47.47213595499958,1,-756.7024953079282,0.9607894391523232,1.3333333333333333,\n");

  const std::string wanted = whole_csv(500);
  for (const unsigned seed : {1u, 2u, 3u}) {
    Store other = Store::create(folder / ("b" + std::to_string(seed) + ".db"), small_header(500));
    for (const std::uint64_t index : shuffled(500, seed)) other.add(row_of(index));
    EXPECT_TRUE(csv_of(other) == wanted);
  }
}

TEST(StoreExport, FullDeviceIsAnErrorAndTheOldFileStays) {
  const TempFolder folder;
  Store store = Store::create(folder / "a.db", small_header(50));
  fill(store, store.missing());
  EXPECT_EQ(error_of([&] { export_csv(store, "/dev/full"); }), "/dev/full: cannot be written: No space left on device");
  EXPECT_EQ(error_of([&] { export_netcdf(store, "/dev/full"); }),
            "/dev/full: expected a file to write, found a device or pipe");
  EXPECT_EQ(error_of([&] { Store::create("/dev/full", small_header(50)); }),
            "/dev/full: expected the file of a sweep, found a device or pipe");

  for (const std::string name : {"old.csv", "old.nc"}) {
    folder.write(name, "old");
    const int status = in_child([&] {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{1000, 1000};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      if (name == "old.csv")
        export_csv(store, folder / name);
      else
        export_netcdf(store, folder / name);
    });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3) << status;
    EXPECT_EQ(folder.read(name), "old");
  }
  EXPECT_EQ(folder.names().size(), 4u);  // with a journal of the open store, and nothing else
}

TEST(StoreExport, NetcdfHoldsTheSame) {
  const TempFolder folder;
  Store store = Store::create(folder / "a.db", small_header(300));
  for (const std::uint64_t index : shuffled(300, 5))
    if (index != 17) store.add(row_of(index));
  export_netcdf(store, folder / "a.nc");

  int file = -1;
  ASSERT_EQ(nc_open((folder / "a.nc").c_str(), NC_NOWRITE, &file), NC_NOERR);
  const auto length_of = [&](const char* name) {
    int dimension = -1;
    std::size_t length = 0;
    EXPECT_EQ(nc_inq_dimid(file, name, &dimension), NC_NOERR) << name;
    EXPECT_EQ(nc_inq_dimlen(file, dimension, &length), NC_NOERR);
    return length;
  };
  const auto variable = [&](const char* name) {
    int number = -1;
    EXPECT_EQ(nc_inq_varid(file, name, &number), NC_NOERR) << name;
    return number;
  };
  const auto text_of = [&](int number, const char* name) {
    std::size_t length = 0;
    EXPECT_EQ(nc_inq_attlen(file, number, name, &length), NC_NOERR) << name;
    std::string text(length, ' ');
    EXPECT_EQ(nc_get_att_text(file, number, name, text.data()), NC_NOERR);
    return text;
  };
  ASSERT_EQ(length_of("case"), 299u);
  std::vector<int> index(299);
  std::vector<signed char> status(299);
  ASSERT_EQ(nc_get_var_int(file, variable("case"), index.data()), NC_NOERR);
  ASSERT_EQ(nc_get_var_schar(file, variable("status"), status.data()), NC_NOERR);
  EXPECT_EQ(text_of(variable("status"), "flag_meanings"), "ok dropped failed not_converged");
  const std::vector<std::string> names = {"subject_mass", "strength", "peak_compression_L5_S1", "mean_a_b", "final_c"};
  std::vector<std::vector<double>> columns(5, std::vector<double>(299));
  for (std::size_t i = 0; i < 5; ++i)
    ASSERT_EQ(nc_get_var_double(file, variable(names[i].c_str()), columns[i].data()), NC_NOERR);
  EXPECT_EQ(text_of(variable("peak_compression_L5_S1"), "long_name"), "peak compression/L5_S1");
  EXPECT_EQ(text_of(variable("peak_compression_L5_S1"), "units"), "N");
  EXPECT_EQ(text_of(variable("strength"), "units"), "1");
  EXPECT_EQ(text_of(variable("strength"), "role"), "factor");
  EXPECT_EQ(text_of(NC_GLOBAL, "spec"), store.header().spec);

  const std::size_t messages = length_of("message"), longest = length_of("message_length");
  std::vector<int> message_case(messages);
  std::string text(messages * longest, '?');
  ASSERT_EQ(nc_get_var_int(file, variable("message_case"), message_case.data()), NC_NOERR);
  ASSERT_EQ(nc_get_var_text(file, variable("message"), text.data()), NC_NOERR);
  std::size_t at = 0, message = 0;
  store.read([&](const CaseRow& row) {
    EXPECT_EQ(index[at], static_cast<int>(row.index));
    EXPECT_EQ(status[at], static_cast<signed char>(row.status));
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(same(columns[i][at], row.factors[i]));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(same(columns[2 + i][at], row.scalars[i]));
    if (!row.message.empty()) {
      EXPECT_EQ(message_case[message], static_cast<int>(row.index));
      EXPECT_EQ(text.substr(message * longest, 5), row.message.substr(0, 5));
      ++message;
    }
    ++at;
  });
  EXPECT_EQ(at, 299u);
  EXPECT_EQ(message, messages);
  nc_close(file);

  // the same cases, the same bytes
  Store other = Store::create(folder / "b.db", small_header(300));
  for (const std::uint64_t i : shuffled(300, 6))
    if (i != 17) other.add(row_of(i));
  export_netcdf(other, folder / "b.nc");
  EXPECT_TRUE(folder.read("a.nc") == folder.read("b.nc"));

  // nothing at all is a file too
  const Store none = Store::create(folder / "none.db", small_header(300));
  EXPECT_NO_THROW(export_netcdf(none, folder / "none.nc"));
}

// ---- nothing is lost ----

TEST(StoreKilled, ResumesToTheSameBytesAfterTenKills) {
  const std::uint64_t cases = 40000;
  const TempFolder folder;
  const std::string path = folder / "a.db";
  unsigned seed = 7;
  int killed = 0;
  std::uint64_t before = 0;
  while (killed < 10) {
    int reports[2];
    ASSERT_EQ(::pipe(reports), 0);
    std::uint64_t promised = 0, one = 0;
    const int status = in_child(
        [&] {
          Store store = Store::resume(path, small_header(cases));
          std::uint64_t done = 0;
          for (const CaseRange& range : store.missing())
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
              store.add(row_of(i));
              if (++done % 37 != 0) continue;
              if (!store.commit()) ::_exit(6);
              if (::write(reports[1], &done, sizeof done) != sizeof done) ::_exit(7);
            }
        },
        [&](pid_t child) {
          // after some commits, and then at any moment; the first time before there is a file perhaps
          ::close(reports[1]);
          seed = seed * 1664525u + 1013904223u;
          for (unsigned commits = killed == 0 ? 0 : (seed >> 8) % 40; commits > 0; --commits)
            if (::read(reports[0], &one, sizeof one) == sizeof one) promised = one;
          ::usleep((seed >> 16) % 2000);
          ::kill(child, SIGKILL);
        });
    while (::read(reports[0], &one, sizeof one) == sizeof one) promised = one;
    ::close(reports[0]);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    ++killed;
    if (!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0) continue;

    // a kill within the first write leaves a file that becomes empty when it is put right
    if (promised == 0 && before == 0 &&
        error_of([&] { Store::open(path); }) == path + ": expected the file of a sweep, found an empty file")
      continue;

    // whatever was committed is there and true
    const Store store = Store::open(path);
    std::uint64_t found = 0;
    store.read([&](const CaseRow& row) {
      const CaseRow given = row_of(row.index);
      EXPECT_EQ(row.status, given.status);
      for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(same(row.scalars[i], given.scalars[i])) << row.index;
      ++found;
    });
    EXPECT_GE(found, before + promised);
    before = found;
  }
  EXPECT_GT(before, 1000u);
  Store store = Store::resume(path, small_header(cases));
  EXPECT_GT(store.status().missing, 0u);
  EXPECT_LT(store.status().missing, cases);
  fill(store, store.missing());
  EXPECT_TRUE(store.missing().empty());
  store.close();
  EXPECT_TRUE(csv_of(store) == whole_csv(cases));
  EXPECT_EQ(folder.names(), (std::set<std::string>{"a.db"}));
}

TEST(StoreKilled, AFirstWriteCutShortIsBegunAnew) {
  const TempFolder folder;
  folder.write("a.db", "");
  EXPECT_EQ(error_of([&] { Store::open(folder / "a.db"); }),
            folder / "a.db: expected the file of a sweep, found an empty file");
  Store store = Store::resume(folder / "a.db", small_header(10));
  EXPECT_EQ(store.missing(), (std::vector<CaseRange>{{0, 10}}));
}

TEST(StoreFullDisk, KeepsWhatWasCommitted) {
  for (const bool ignored : {true, false}) {
    const TempFolder folder;
    int reports[2];
    ASSERT_EQ(::pipe(reports), 0);
    const int status = in_child([&] {
      if (ignored) ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{400000, 400000};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      Store store = Store::create(folder / "a.db", small_header(10000));
      try {
        for (std::uint64_t i = 0; i < 10000; ++i) {
          store.add(row_of(i));
          if (i % 100 == 99) {
            if (!store.commit()) ::_exit(6);
            const std::uint64_t done = i + 1;
            if (::write(reports[1], &done, sizeof done) != sizeof done) ::_exit(7);
          }
        }
      } catch (const Error& error) {
        const std::string text = error.what();
        if (text.find(
                "as with a limit on the size of files or a failing disk; the cases committed before are safe in it") ==
            text.npos)
          ::_exit(8);
        // and it stays an error
        if (error_of([&] { store.add(row_of(9999)); }).find("takes no more cases") == text.npos) ::_exit(9);
        throw;
      }
    });
    if (ignored)
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3) << status;
    else
      EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) << status;
    ::close(reports[1]);
    std::uint64_t promised = 0, one = 0;
    while (::read(reports[0], &one, sizeof one) == sizeof one) promised = one;
    ::close(reports[0]);
    EXPECT_GT(promised, 1000u);

    Store store = Store::resume(folder / "a.db", small_header(10000));
    const std::vector<CaseRange> missing = store.missing();
    ASSERT_EQ(missing.size(), 1u);
    EXPECT_EQ(missing[0], (CaseRange{promised, 10000}));
    fill(store, missing, 5000);
    EXPECT_TRUE(csv_of(store) == whole_csv(10000));
  }
}

// ---- files that cannot be used ----

TEST(StoreRights, ReadOnlyFolderIsToldBeforeAnyWork) {
  const TempFolder folder;
  {
    Store store = Store::create(folder / "a.db", small_header(10));
    fill(store, {{0, 5}});
  }
  ::chmod((folder / "a.db").c_str(), 0666);
  ::chmod(folder.path().c_str(), 0555);
  {
    const NoRights nobody;
    EXPECT_EQ(error_of([&] { Store::create(folder / "b.db", small_header(10)); }),
              folder / "b.db: cannot be written: Permission denied");
    EXPECT_EQ(error_of([&] { Store::create(folder / "deep/b.db", small_header(10)); }),
              folder / "deep/b.db: cannot make the folder " + folder / "deep" + ": Permission denied");
    // the file could be written, its journal not
    EXPECT_EQ(error_of([&] { Store::resume(folder / "a.db", small_header(10)); }),
              folder / "a.db: cannot be written: expected the right to write to the file and its folder");
    EXPECT_EQ(error_of([&] { export_csv(Store::open(folder / "a.db"), folder / "a.csv"); }),
              folder / "a.csv: cannot be written: Permission denied");
    EXPECT_EQ(Store::open(folder / "a.db").missing(), (std::vector<CaseRange>{{5, 10}}));  // reading is fine
  }
  ::chmod((folder / "a.db").c_str(), 0444);
  {
    const NoRights nobody;
    EXPECT_EQ(place_of([&] { Store::resume(folder / "a.db", small_header(10)); }),
              (std::pair<std::string, std::string>{"io", folder / "a.db"}));
    EXPECT_EQ(Store::open(folder / "a.db").status().missing, 5u);
  }
  ::chmod((folder / "a.db").c_str(), 0);
  {
    const NoRights nobody;
    EXPECT_EQ(error_of([&] { Store::open(folder / "a.db"); }), folder / "a.db: cannot be read: Permission denied");
  }
  ::chmod((folder / "a.db").c_str(), 0644);
  ::chmod(folder.path().c_str(), 0755);
  EXPECT_EQ(folder.names(), (std::set<std::string>{"a.db"}));
}

TEST(StoreDamaged, FilesThatAreSomethingElse) {
  const TempFolder folder;
  {
    Store store = Store::create(folder / "a.db", small_header(2000));
    fill(store, store.missing());
  }
  const std::string good = folder.read("a.db");
  const auto error_with = [&](const std::string& bytes) {
    const std::string path = folder.write("b.db", bytes);
    const std::string text = error_of([&] { Store::open(path); });
    EXPECT_EQ(text, error_of([&] { Store::resume(path, small_header(2000)); }));
    EXPECT_TRUE(folder.read("b.db") == bytes);
    return text.substr(std::min(text.size(), path.size() + 2));
  };
  EXPECT_EQ(error_with(std::string(5000, 'x')), "expected the file of a sweep, found one that is no SQLite database");
  EXPECT_EQ(error_with("{}"), "expected the file of a sweep, found one that is no SQLite database");
  std::string other = good;
  other[68] = 1;  // application_id, then user_version: places of SQLite's file format, 1.3
  EXPECT_EQ(error_with(other), "expected the file of a sweep, found an SQLite database of another program");
  other = good;
  other[63] = 9;
  EXPECT_EQ(error_with(other), "expected version 1 of the file of a sweep, found 9");

  for (const std::size_t size : {good.size() - 1, good.size() - 4096, good.size() / 2, std::size_t{4096}}) {
    const std::string text = error_with(good.substr(0, size));
    EXPECT_EQ(text.substr(0, 11), "is damaged:") << size << ": " << text;
  }
  EXPECT_EQ(error_of([&] { Store::open(folder / "none.db"); }),
            folder / "none.db: expected a file, found none of this name");
  EXPECT_EQ(error_of([&] { Store::open(folder.path().string()); }),
            folder.path().string() + ": expected the file of a sweep, found a folder");
  EXPECT_EQ(error_of([&] { Store::open(""); }), "expected a file name, found an empty one");
  EXPECT_EQ(error_of([&] { Store::open(":memory:"); }), ":memory:: expected a file, found none of this name");
}

TEST(StoreDamaged, ChangedBytesAreNeverMoreThanAnError) {
  const TempFolder folder;
  {
    StoreHeader header = small_header(200);
    Store store = Store::create(folder / "a.db", header);
    CaseRow row = row_of(0);
    row.series = {{1, 2}, {3, 4}};
    store.add(row);
    fill(store, store.missing());
  }
  const std::string good = folder.read("a.db");
  unsigned seed = 3;
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string bytes = good;
    for (int k = 0; k < 3; ++k) {
      seed = seed * 1664525u + 1013904223u;
      // half of them where SQLite keeps its own notes
      const std::size_t at = i % 2 ? (seed >> 8) % good.size() : (seed >> 8) % (good.size() / 4096) * 4096 + seed % 128;
      bytes[at] = static_cast<char>(seed >> 24);
    }
    folder.write("b.db", bytes);
    try {
      const Store store = Store::open(folder / "b.db");
      std::uint64_t rows = 0;
      store.read([&](const CaseRow& row) { rows += row.scalars.size(); });
      store.missing(), store.status(), store.series(0);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(StoreResume, SaysWhatDiffers) {
  const TempFolder folder;
  const std::string path = folder / "a.db";
  {
    Store store = Store::create(path, small_header(10));
    fill(store, {{0, 5}});
  }
  const auto error_with = [&](auto&& change) {
    StoreHeader header = small_header(10);
    change(header);
    const std::string text = error_of([&] { Store::resume(path, header); });
    return text.substr(std::min(text.size(), path.size() + 2));
  };
  EXPECT_EQ(error_with([](StoreHeader& h) {
              h.fingerprint = "ffff";
              h.spec = R"({"format":"psoas-sweep/1","vary":{"/subject/mass":{"uniform":{"low":50,"high":100}}}})";
            }),
            "is of another sweep: /vary/~1subject~1mass/uniform/low: 45 there, 50 now");
  EXPECT_EQ(error_with([](StoreHeader& h) {
              h.fingerprint = "ffff";
              h.spec = R"({"format":"psoas-sweep/1","vary":{"/a":{"list":[1]}}})";
            }),
            "is of another sweep: /vary/~1subject~1mass: {\"uniform\":{\"low\":45,\"high\":100}} there, nothing now; "
            "/vary/~1a: nothing there, {\"list\":[1]} now");
  EXPECT_EQ(error_with([](StoreHeader& h) { h.fingerprint = "ffff"; }),
            "is of another sweep: fingerprint 0123456789abcdef there, ffff now");
  EXPECT_EQ(error_with([](StoreHeader& h) { h.cases = 11; }), "is of another sweep: 10 cases there, 11 now");
  EXPECT_EQ(error_with([](StoreHeader& h) {
              h.scalars[1] = {"x", "s"};
            }),
            "is of another sweep: scalar 2: \"mean a, \"b\"\" [m] there, \"x\" [s] now");
  EXPECT_EQ(error_with([](StoreHeader& h) { h.factors.pop_back(); }),
            "is of another sweep: factor 2: \"strength\" [] there, none now");
  EXPECT_EQ(error_with([](StoreHeader& h) { h.shard = {1, 2}; }), "is of another shard: 1/1 there, 1/2 now");
  EXPECT_EQ(error_with([](StoreHeader& h) { h.machine = "other"; }),
            "was begun on another machine, on which the last bits of numbers may differ: \"some CPU, some C library\" "
            "there, \"other\" now");

  // nothing of this touched the cases, and a mix goes where it is wished
  StoreHeader header = small_header(10);
  header.machine = "other";
  header.provenance = R"({"host":"there"})";
  Store store = Store::resume(path, header, {.mixed = true});
  EXPECT_EQ(store.missing(), (std::vector<CaseRange>{{5, 10}}));
  EXPECT_EQ(store.header().provenance, small_header(10).provenance);
}

TEST(StoreTwo, OneWriterAndReadersMeanwhile) {
  const TempFolder folder;
  Store store = Store::create(folder / "a.db", small_header(100), {.wait = 0.05});
  fill(store, {{0, 50}}, 25);
  store.add(row_of(60));
  EXPECT_EQ(error_of([&] { Store::resume(folder / "a.db", small_header(100), {.wait = 0.05}); }),
            folder / "a.db: another program is writing to it");
  {
    const Store reader = Store::open(folder / "a.db");
    EXPECT_EQ(reader.status().missing, 50u);  // 60 is not committed
    bool tried = false;
    reader.read([&](const CaseRow&) {
      if (!tried) {
        EXPECT_FALSE(store.commit());
      }
      tried = true;
    });
    EXPECT_TRUE(tried);
  }
  EXPECT_TRUE(store.commit());
  store.close();
  EXPECT_TRUE(Store::open(folder / "a.db").finished(60));
}

// ---- shards ----

class StoreMerge : public ::testing::Test {
 protected:
  static constexpr std::uint64_t cases = 1000;

  std::string shard(std::uint32_t index, std::uint32_t count, const std::string& name) {
    StoreHeader header = small_header(cases);
    header.shard = {index, count};
    header.provenance = R"({"host":"node )" + std::to_string(index) + "\"}";
    Store store = Store::create(folder / name, header);
    for (const CaseRange& range : store.missing())
      for (std::uint64_t i = range.begin; i < range.end; ++i) {
        CaseRow row = row_of(i);
        if (i % 100 == 0) row.series = {{0.0, 1.0}, {static_cast<double>(i), nan}};
        store.add(row);
      }
    return folder / name;
  }

  TempFolder folder;
};

TEST_F(StoreMerge, GivesTheSameBytesInAnyOrder) {
  const std::vector<std::string> shards = {shard(1, 3, "z.db"), shard(2, 3, "b.db"), shard(3, 3, "c.db")};
  std::vector<std::size_t> order = {0, 1, 2};
  std::string first;
  do {
    merge_stores({shards[order[0]], shards[order[1]], shards[order[2]]}, folder / "all.db");
    const std::string bytes = folder.read("all.db");
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << order[0] << order[1] << order[2];
  } while (std::next_permutation(order.begin(), order.end()));
  const Store merged = Store::open(folder / "all.db");
  EXPECT_TRUE(csv_of(merged) == whole_csv(cases));
  EXPECT_EQ(merged.header().shard, (Shard{1, 1}));
  ASSERT_EQ(merged.series(900).size(), 2u);
  EXPECT_EQ(merged.series(900)[1][0], 900.0);
  EXPECT_NEAR(merged.status().seconds, 0.5 * cases, 1e-6);
  EXPECT_EQ(folder.names(), (std::set<std::string>{"all.db", "b.db", "c.db", "z.db"}));
}

TEST_F(StoreMerge, FindsGapsAndDuplicates) {
  const std::string a = shard(1, 3, "a.db"), b = shard(2, 3, "b.db"), c = shard(3, 3, "c.db");
  const std::string half = shard(1, 2, "half.db"), out = folder.write("out.db", "old");
  EXPECT_EQ(error_of([&] {
              merge_stores({a, c}, out);
            }),
            out + ": is not written: 333 of 1000 cases are in no shard: 334 to 666");
  EXPECT_EQ(error_of([&] { merge_stores({a, b, c, half}, out); }), a + ": has case 0, which is also in " + half);
  EXPECT_EQ(error_of([&] { merge_stores({b, half, c}, out); }), b + ": has case 334, which is also in " + half);
  EXPECT_EQ(error_of([&] { merge_stores({a, b, a}, out); }), a + ": is named twice, also as " + a);
  EXPECT_EQ(error_of([&] { merge_stores({a, b, c}, a); }), a + ": cannot be both a shard and the file to write");
  EXPECT_EQ(error_of([&] { merge_stores({}, out); }), out + ": expected shards to merge, found none");
  EXPECT_EQ(folder.read("out.db"), "old");
  EXPECT_EQ(folder.names().size(), 5u);

  merge_stores({a, c}, out, {.allow_missing = true});
  StoreHeader header = small_header(cases);
  Store store = Store::resume(out, header);
  EXPECT_EQ(store.missing(), (std::vector<CaseRange>{{334, 667}}));
  fill(store, store.missing());
  EXPECT_TRUE(csv_of(store) == whole_csv(cases));
}

TEST_F(StoreMerge, RefusesShardsOfDifferentSweeps) {
  const std::string a = shard(1, 2, "a.db");
  StoreHeader header = small_header(cases);
  header.shard = {2, 2};
  header.fingerprint = "other";
  header.spec = "{}";
  const std::string b = folder / "b.db";
  { Store store = Store::create(b, header); }
  EXPECT_EQ(error_of([&] {
              merge_stores({a, b}, folder / "out.db");
            }).substr(0, b.size() + 27 + a.size()),
            b + ": is of another sweep than " + a);
  header = small_header(cases);
  header.shard = {2, 2};
  header.machine = "other";
  {
    Store store = Store::create(folder / "c.db", header);
    fill(store, store.missing());
  }
  EXPECT_EQ(error_of([&] {
              merge_stores({a, folder / "c.db"}, folder / "out.db");
            }),
            folder / "c.db: is of another machine than " + a +
                ", and the last bits of numbers may differ: \"some CPU, some C library\" there, \"other\" here");
  merge_stores({a, folder / "c.db"}, folder / "out.db", {.mixed = true});
  EXPECT_TRUE(Store::open(folder / "out.db").missing().empty());
  const std::string broken = folder.write("d.db", folder.read("c.db").substr(0, 9000));
  EXPECT_EQ(place_of([&] {
              merge_stores({a, broken}, folder / "out.db");
            }),
            (std::pair<std::string, std::string>{"io", broken}));
}

// ---- a million cases ----

std::size_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

TEST(StoreMillion, SmallFileAndFlatMemory) {
  const TempFolder folder;
  constexpr std::uint64_t cases = test::repeats(1'000'000);
  StoreHeader header = small_header(cases);
  const std::size_t before = peak_memory();
  Store store = Store::create(folder / "a.db", header);
  CaseRow row = row_of(0);
  row.seconds = 1.5e-3;
  // workers hand in their cases chunk by chunk, two of them at a time
  for (std::uint64_t chunk = 0; chunk < cases; chunk += 2000)
    for (std::uint64_t i = 0; i < 2000; ++i) {
      row.index = chunk + i / 2 + i % 2 * 1000;
      const auto x = static_cast<double>(row.index);
      row.factors = {std::sin(x), std::cos(x)};
      row.scalars = {std::sin(2 * x), std::cos(2 * x), std::sin(3 * x)};
      store.add(row);
      if (i % 1000 == 999) {
        ASSERT_TRUE(store.commit());
      }
    }
  store.close();
  const StoreStatus status = store.status();
  EXPECT_EQ(status.missing, 0u);
  const double each = static_cast<double>(status.bytes) / static_cast<double>(cases);
  RecordProperty("bytes_a_case", std::to_string(each));
  EXPECT_EQ(status.bytes, std::filesystem::file_size(folder / "a.db"));
  EXPECT_LT(each, 64.0 + 16.0 * 3.0);
  export_csv(Store::open(folder / "a.db"), folder / "a.csv");
  export_netcdf(store, folder / "a.nc");
  const std::size_t grown = peak_memory() - before;
  RecordProperty("memory_mb", std::to_string(static_cast<double>(grown) / 1e6));
  if (test::sanitised) return;  // holds freed memory back
  EXPECT_LT(grown, std::size_t{100'000'000});
}

}  // namespace
}  // namespace psoas
