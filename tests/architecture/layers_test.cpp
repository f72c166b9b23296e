// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// An include may only point down. Reads the #include lines of include/psoas, src and apps, and knows where each
// dependency may be seen. docs/architecture.md shows the same order as a picture.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

// Height of each layer. Layers of one height are siblings, and none includes another.
const std::map<std::string, int, std::less<>> height = {
    {"core", 0},  {"io", 1},    {"skeleton", 2}, {"muscle", 2},   {"path", 2},   {"model", 3},
    {"solve", 4}, {"study", 5}, {"sweep", 6},    {"validate", 7}, {"report", 8}, {"apps", 9},
};

// Where a dependency may be included. The first entry that is a prefix of the header's name counts.
struct Place {
  std::string prefix;
  std::set<std::string> layers;
  bool in_public_headers;
};
const std::vector<Place> places = {
    {"Eigen/Dense", {}, false},  // slow to compile, in every file that includes it
    {"Eigen/", {"core"}, true},
    {"nlohmann/", {"model", "study", "sweep", "report", "validate", "apps"}, false},
    {"boost/", {"solve", "study", "sweep"}, false},
    {"tbb/", {"sweep"}, false},
    {"oneapi/", {"sweep"}, false},
    {"thread", {"sweep"}, false},
    {"mutex", {"sweep"}, false},
    {"shared_mutex", {"sweep"}, false},
    {"future", {"sweep"}, false},
    {"condition_variable", {"sweep"}, false},
    {"execution", {}, false},
    {"sqlite3", {"sweep"}, false},
    {"SQLiteCpp/", {"sweep"}, false},
    {"netcdf.h", {"sweep"}, false},
    {"pugixml", {"model"}, false},
    {"nlopt.h", {"study"}, false},
    {"CLI/", {"apps"}, false},
    {"fmt/",
     {"core", "io", "skeleton", "muscle", "path", "model", "solve", "study", "sweep", "validate", "report", "apps"},
     false},
    {"unordered_map", {}, false},  // its order is not the same everywhere, and results must be
    {"unordered_set", {}, false},
};

struct Include {
  int line;
  bool quoted;
  std::string name;
};

std::vector<Include> includes_of(const std::string& text) {
  std::vector<Include> found;
  std::istringstream in(text);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const auto skip_blanks = [&](std::size_t at) { return std::min(line.find_first_not_of(" \t", at), line.size()); };
    std::size_t at = skip_blanks(0);
    if (at == line.size() || line[at] != '#') continue;
    at = skip_blanks(at + 1);
    if (line.compare(at, 7, "include") != 0) continue;
    at = skip_blanks(at + 7);
    if (at == line.size() || (line[at] != '"' && line[at] != '<')) continue;
    const std::size_t end = line.find(line[at] == '"' ? '"' : '>', at + 1);
    if (end == std::string::npos) continue;
    found.push_back({number, line[at] == '"', line.substr(at + 1, end - at - 1)});
  }
  return found;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t to = std::min(path.find('/', from), path.size());
    parts.emplace_back(path.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

// What is wrong with the includes of one file; `path` is relative to the root of the tree.
std::vector<std::string> faults(const std::string& path, const std::string& text) {
  const std::vector<std::string> parts = split(path);
  const bool is_public = parts[0] == "include";
  if (path == "include/psoas/psoas.hpp") return {};  // names every header

  std::string layer;
  if (parts[0] == "apps") {
    layer = parts.size() == 3 && (parts[1] == "psoas" || parts[1] == "psoas_mpi") ? "apps" : "";
  } else if (is_public) {
    layer = parts.size() >= 4 && parts[1] == "psoas" ? parts[2] : "";
  } else if (parts[0] == "src" && parts.size() >= 3) {
    layer = parts[1];
  }
  if (layer == "apps" && parts[0] != "apps") layer.clear();
  if (!height.contains(layer)) return {path + ": its folder is no layer"};

  std::vector<std::string> bad;
  for (const Include& include : includes_of(text)) {
    const auto report = [&](const std::string& why) {
      bad.push_back(path + ":" + std::to_string(include.line) + ": " + include.name + ": " + why);
    };

    // Ours: "psoas/<layer>/…", "<layer>/…" of src, or a neighbour of the same folder.
    std::vector<std::string> name = split(include.name);
    const bool from_public = name[0] == "psoas";
    if (from_public) name.erase(name.begin());
    if (from_public || include.quoted) {
      if (name.size() == 1 && from_public) {
        if (layer != "apps") report("only programs include everything");
        continue;
      }
      if (name.size() > 1 && name[0] == "..") {
        report("write the path from include or src");
        continue;
      }
      const std::string target = name.size() == 1 ? layer : name[0];
      if (!height.contains(target)) {
        report("its folder is no layer");
      } else if (is_public && !from_public) {
        report("a public header includes public headers only");
      } else if (target != layer && height.at(target) == height.at(layer)) {
        report(layer + " and " + target + " are siblings");
      } else if (height.at(target) > height.at(layer)) {
        report(target + " is above " + layer);
      }
      continue;
    }

    // Others: standard headers have neither slash nor dot, and are free unless listed.
    const auto place = std::find_if(places.begin(), places.end(), [&](const Place& p) {
      const bool whole = p.prefix.back() != '/' && p.prefix != "sqlite3" && p.prefix != "pugixml";
      return whole ? include.name == p.prefix : include.name.starts_with(p.prefix);
    });
    if (place != places.end()) {
      if (!place->layers.contains(layer))
        report("not to be included in " + layer);
      else if (is_public && !place->in_public_headers)
        report("not to be included in a public header");
    } else if (is_public && include.name.find_first_of("/.") != std::string::npos) {
      report("a public header shows Eigen and standard types only");
    }
  }
  return bad;
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Paths of the C++ files below some folders, relative to the root, sorted.
std::vector<std::string> cpp_files(const std::vector<std::string>& folders) {
  const fs::path root = PSOAS_SOURCE_DIR;
  std::vector<std::string> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (entry.is_regular_file() && (extension == ".hpp" || extension == ".cpp"))
        files.push_back(fs::relative(entry.path(), root).generic_string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Layers, IncludesPointDown) {
  const std::vector<std::string> files = cpp_files({"include", "src", "apps"});
  ASSERT_GT(files.size(), 10u) << "no sources below " << PSOAS_SOURCE_DIR;
  for (const std::string& file : files)
    for (const std::string& fault : faults(file, read(fs::path(PSOAS_SOURCE_DIR) / file))) ADD_FAILURE() << fault;
}

TEST(Layers, EveryFileStatesItsLicence) {
  const std::string line =
      "// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   "
      "SPDX-License-Identifier: Apache-2.0\n";
  for (const std::string& file : cpp_files({"include", "src", "apps", "tests", "bench", "examples"}))
    EXPECT_TRUE(read(fs::path(PSOAS_SOURCE_DIR) / file).starts_with(line)) << file;
}

TEST(Layers, OneHeaderIncludesAllPublicOnes) {
  const fs::path root = PSOAS_SOURCE_DIR;
  std::set<std::string> included;
  for (const Include& include : includes_of(read(root / "include/psoas/psoas.hpp"))) included.insert(include.name);
  std::string missing;
  for (const std::string& file : cpp_files({"include"})) {
    const std::string name = file.substr(std::string("include/").size());
    if (name == "psoas/psoas.hpp" || name.ends_with(".inl.hpp")) continue;
    if (!included.contains(name)) missing += "#include \"" + name + "\"\n";
  }
  EXPECT_EQ(missing, "") << "include/psoas/psoas.hpp lacks these lines";
}

// --- the scanner itself ----------------------------------------------------------------------------------------------

struct Case {
  std::string file, include, reason;  // an empty reason: nothing is wrong
};

TEST(LayerScanner, FindsEachKindOfViolation) {
  const std::vector<Case> cases = {
      {"include/psoas/core/a.hpp", "\"psoas/model/spec.hpp\"", "model is above core"},
      {"src/core/a.cpp", "\"model/json_file.hpp\"", "model is above core"},
      {"src/core/a.cpp", "<psoas/model/spec.hpp>", "model is above core"},
      {"src/study/a.cpp", "\"psoas/sweep/sweep.hpp\"", "sweep is above study"},
      {"src/validate/a.cpp", "\"psoas/report/svg.hpp\"", "report is above validate"},
      {"include/psoas/muscle/a.hpp", "\"psoas/path/surface.hpp\"", "siblings"},
      {"include/psoas/path/a.hpp", "\"psoas/skeleton/tree.hpp\"", "siblings"},
      {"src/utils/a.cpp", "<vector>", "no layer"},
      {"src/a.cpp", "<vector>", "no layer"},
      {"src/apps/a.cpp", "<vector>", "no layer"},
      {"include/psoas/a.hpp", "<vector>", "no layer"},
      {"include/other/core/a.hpp", "<vector>", "no layer"},
      {"apps/other/main.cpp", "<vector>", "no layer"},
      {"src/model/a.cpp", "\"helpers/a.hpp\"", "no layer"},
      {"src/model/a.cpp", "\"../core/a.hpp\"", "write the path"},
      {"include/psoas/model/a.hpp", "\"model/json_file.hpp\"", "public headers only"},
      {"src/model/a.cpp", "\"psoas/psoas.hpp\"", "only programs"},
      {"include/psoas/model/a.hpp", "<nlohmann/json.hpp>", "public header"},
      {"src/core/a.cpp", "<nlohmann/json.hpp>", "not to be included in core"},
      {"src/solve/a.cpp", "<nlohmann/json_fwd.hpp>", "not to be included in solve"},
      {"src/muscle/a.cpp", "<boost/numeric/odeint.hpp>", "not to be included in muscle"},
      {"include/psoas/solve/a.hpp", "<boost/numeric/odeint.hpp>", "public header"},
      {"src/study/a.cpp", "<tbb/parallel_for.h>", "not to be included in study"},
      {"src/study/a.cpp", "<oneapi/tbb.h>", "not to be included in study"},
      {"src/model/a.cpp", "<thread>", "not to be included in model"},
      {"src/report/a.cpp", "<sqlite3.h>", "not to be included in report"},
      {"src/study/a.cpp", "<SQLiteCpp/SQLiteCpp.h>", "not to be included in study"},
      {"src/io/a.cpp", "<netcdf.h>", "not to be included in io"},
      {"src/io/a.cpp", "<pugixml.hpp>", "not to be included in io"},
      {"src/model/a.cpp", "<Eigen/Core>", "not to be included in model"},
      {"include/psoas/core/a.hpp", "<Eigen/Dense>", "not to be included in core"},
      {"src/model/a.cpp", "<CLI/CLI.hpp>", "not to be included in model"},
      {"include/psoas/core/a.hpp", "<fmt/format.h>", "public header"},
      {"include/psoas/core/a.hpp", "<sys/stat.h>", "public header"},
      {"src/core/a.cpp", "<unordered_map>", "not to be included in core"},
  };
  for (const Case& c : cases) {
    const std::vector<std::string> found = faults(c.file, "// a comment\n  #  include " + c.include + "  // why\n");
    ASSERT_EQ(found.size(), 1u) << c.file << " includes " << c.include;
    EXPECT_NE(found[0].find(c.reason), std::string::npos) << found[0] << "\nexpected: " << c.reason;
  }
}

TEST(LayerScanner, SaysWhere) {
  const std::vector<std::string> found =
      faults("src/core/a.cpp", "#include <vector>\n\n#include \"psoas/io/file.hpp\"\n#include <Eigen/Core>\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], "src/core/a.cpp:3: psoas/io/file.hpp: io is above core");
}

TEST(LayerScanner, AcceptsWhatIsAllowed) {
  const std::vector<Case> cases = {
      {"include/psoas/model/model.hpp", "\"psoas/path/path.hpp\"", ""},
      {"include/psoas/core/linear.hpp", "<Eigen/Core>", ""},
      {"src/model/a.cpp", "\"model/json_file.hpp\"", ""},
      {"src/model/a.cpp", "\"json_file.hpp\"", ""},
      {"src/model/a.cpp", "<nlohmann/json.hpp>", ""},
      {"src/model/osim.cpp", "<pugixml.hpp>", ""},
      {"src/solve/stiff.cpp", "<boost/numeric/odeint.hpp>", ""},
      {"src/sweep/run.cpp", "<tbb/parallel_for.h>", ""},
      {"src/validate/a.cpp", "\"psoas/sweep/sweep.hpp\"", ""},
      {"src/report/a.cpp", "\"psoas/validate/validate.hpp\"", ""},
      {"src/core/a.cpp", "<sys/stat.h>", ""},
      {"apps/psoas/main.cpp", "<psoas/psoas.hpp>", ""},
      {"apps/psoas/main.cpp", "\"verbs.hpp\"", ""},
      {"apps/psoas/main.cpp", "<CLI/CLI.hpp>", ""},
      {"include/psoas/psoas.hpp", "\"psoas/model/model.hpp\"", ""},
  };
  for (const Case& c : cases)
    EXPECT_TRUE(faults(c.file, "#include " + c.include + "\n").empty()) << c.file << " includes " << c.include;
}

}  // namespace
