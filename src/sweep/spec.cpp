// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/sweep/spec.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <memory>

#include "model/json_walk.hpp"
#include "model/model_file.hpp"
#include "psoas/core/factor.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/io/table_file.hpp"
#include "psoas/sweep/store.hpp"

namespace psoas {
namespace {

constexpr const char* sweep_format = "psoas-sweep/1";
constexpr std::size_t most_factors = 1000;

const std::vector<std::string> operations = {"scale", "ratio", "sum", "product", "min", "max"};
const std::vector<std::string> relations = {"<", "<=", ">", ">="};
const std::vector<std::string> keys = {"format", "$schema",     "note",        "title",   "extends", "base",  "vary",
                                       "zipped", "correlation", "constraints", "sampler", "record",  "series"};

using NormalLaw =
    boost::math::normal_distribution<double,
                                     boost::math::policies::policy<boost::math::policies::promote_double<false>>>;

/// Names of factors in an expression, with the places where they stand, or what `see` makes of each.
template <class See>
void each_factor(Expression& e, const See& see) {
  if (e.operation == Expression::Operation::factor) see(e);
  for (Expression& one : e.of) each_factor(one, see);
}

void factors_in(const Expression& e, std::vector<std::size_t>& out) {
  if (e.operation == Expression::Operation::factor) out.push_back(e.index);
  for (const Expression& one : e.of) factors_in(one, out);
}

/// Factors that are expressions, each after those that it uses, or the names of a circle.
std::vector<std::size_t> order_of(const std::vector<Factor>& factors, std::vector<std::size_t>& circle) {
  std::vector<std::size_t> order, way;
  std::vector<int> seen(factors.size(), 0);  // 1: on the way, 2: done
  struct Step {
    std::size_t factor;
    std::vector<std::size_t> used;
  };
  for (std::size_t start = 0; start < factors.size(); ++start) {
    if (seen[start] || !factors[start].expression) continue;
    std::vector<Step> stack;  // not the program's: a chain may be as long as the list of factors
    const auto push = [&](std::size_t f) {
      seen[f] = 1;
      stack.push_back({f, {}});
      factors_in(*factors[f].expression, stack.back().used);
    };
    push(start);
    while (!stack.empty()) {
      if (stack.back().used.empty()) {
        seen[stack.back().factor] = 2;
        order.push_back(stack.back().factor);
        stack.pop_back();
        continue;
      }
      const std::size_t next = stack.back().used.back();
      stack.back().used.pop_back();
      if (!factors[next].expression || seen[next] == 2) continue;
      if (seen[next] == 1) {
        for (const Step& step : stack)
          if (step.factor == next || !circle.empty()) circle.push_back(step.factor);
        return order;
      }
      push(next);
    }
  }
  return order;
}

/// Lower triangle L with L L^T = matrix, row by row; empty where there is none.
std::vector<double> cholesky(const std::vector<std::vector<double>>& matrix) {
  const auto n = static_cast<Eigen::Index>(matrix.size());
  Eigen::MatrixXd m(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index k = 0; k < n; ++k) m(i, k) = matrix[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)];
  const Eigen::LLT<Eigen::MatrixXd> llt(m);
  if (llt.info() != Eigen::Success) return {};
  const Eigen::MatrixXd lower = llt.matrixL();
  std::vector<double> out;
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index k = 0; k < n; ++k) out.push_back(lower(i, k));
  // one that is positive by rounding alone is none
  for (Eigen::Index i = 0; i < n; ++i)
    if (!(lower(i, i) > 1e-7)) return {};
  return out;
}

std::size_t index_of(const std::vector<Factor>& factors, const std::string& name) {
  for (std::size_t i = 0; i < factors.size(); ++i)
    if (factors[i].name == name) return i;
  return factors.size();
}

/// Number of levels of each dimension, by factors whose dimensions are known.
std::vector<std::size_t> levels_of(const std::vector<Factor>& factors) {
  std::vector<std::size_t> levels;
  for (const Factor& factor : factors)
    if (!factor.expression && factor.dimension == levels.size()) levels.push_back(levels_of(factor.values));
  return levels;
}

/// Finds problems of a sweep on its own.
class Check {
 public:
  Check(SweepSpec& sweep, std::vector<Problem>& problems) : sweep_(sweep), problems_(problems) {}

  void run() {
    const std::size_t before = problems_.size();
    if (sweep_.factors.empty()) return wrong("/vary", "expected at least one factor");
    if (sweep_.factors.size() > most_factors)
      return wrong("/vary", "expected at most " + std::to_string(most_factors) + " factors, found " +
                                std::to_string(sweep_.factors.size()));
    for (std::size_t i = 0; i < sweep_.factors.size(); ++i) {
      const Factor& factor = sweep_.factors[i];
      names_.push_back(factor.name);
      if (index_of(sweep_.factors, factor.name) != i)
        wrong(factor.place(), "expected a name that no other factor has, found " + in_quotes(factor.name) + " again");
      if (!factor.expression)
        std::visit(
            [&]<class K>(const K& kind) {
              if constexpr (requires { kind.fault(); })
                if (const std::string fault = kind.fault(); !fault.empty())
                  wrong(below(factor.place(), K::name), fault);
              if constexpr (std::is_same_v<K, EmpiricalDistribution>)
                if (kind.values.empty())
                  wrong(factor.place() + "/empirical", "expected at least one value between low and high, found none");
            },
            factor.values);
    }
    if (problems_.size() > before) return;  // names and values must mean something for what follows

    listed();
    expressions();
    zipped();
    if (problems_.size() > before) return;
    sampler();
    correlation();
  }

 private:
  void wrong(const std::string& pointer, const std::string& text) { problems_.push_back({pointer, text}); }

  void unknown(const std::string& pointer, const std::string& name) {
    wrong(pointer, "expected the name of a factor, found " + in_quotes(name) + did_you_mean(name, names_));
  }

  /// The sampler "list" gives every factor that is no expression its values.
  void listed() {
    std::vector<Factor*> takers;
    for (Factor& factor : sweep_.factors)
      if (!factor.expression) takers.push_back(&factor);
    const ListSampler* list = std::get_if<ListSampler>(&sweep_.sampler);
    for (const Factor* factor : takers)
      if (const bool is = std::holds_alternative<ListedValues>(factor->values); is != (list != nullptr))
        wrong(factor->place(), list ? "expected {\"listed\": {}}: the sampler \"list\" gives the values"
                                    : "expected values, found \"listed\" without the sampler \"list\"");
    if (!list) return;
    if (list->cases.empty()) wrong("/sampler/list", "expected at least one case, found none");
    for (std::size_t k = 0; k < list->cases.size(); ++k) {
      const std::vector<double>& row = list->cases[k];
      if (row.size() != takers.size())
        return wrong("/sampler/list", "expected a number for each of " + std::to_string(takers.size()) +
                                          " factors, found " + std::to_string(row.size()) + " in case " +
                                          std::to_string(k));
      if (!std::all_of(row.begin(), row.end(), [](double x) { return std::isfinite(x); }))
        return wrong("/sampler/list", "expected numbers, found another in case " + std::to_string(k));
    }
    for (std::size_t i = 0; i < takers.size(); ++i) {
      ListedValues values;
      for (const std::vector<double>& row : list->cases) values.values.push_back(row[i]);
      takers[i]->values = std::move(values);
    }
  }

  void expressions() {
    std::vector<bool> used(sweep_.factors.size(), false);
    bool known = true;
    const auto find = [&](Expression& e) {
      e.index = index_of(sweep_.factors, e.factor);
      if (e.index < used.size()) return void(used[e.index] = true);
      known = false;
      unknown(e.pointer, e.factor);
    };
    for (Factor& factor : sweep_.factors)
      if (factor.expression) each_factor(*factor.expression, find);
    for (Constraint& constraint : sweep_.constraints) {
      each_factor(constraint.left, find), each_factor(constraint.right, find);
      if (std::find(relations.begin(), relations.end(), constraint.relation) == relations.end())
        wrong("/constraints", "expected one of " + join(relations, ", ") + ", found " + in_quotes(constraint.relation));
    }
    if (!known) return;
    std::vector<std::size_t> circle;
    order_of(sweep_.factors, circle);
    if (!circle.empty()) {
      std::string names;
      for (const std::size_t f : circle) names += sweep_.factors[f].name + " -> ";
      wrong(sweep_.factors[circle.front()].place() + "/expression",
            "expected no circle of expressions, found " + names + sweep_.factors[circle.front()].name);
    }
    for (std::size_t i = 0; i < used.size(); ++i)
      if (sweep_.factors[i].pointer.empty() && !used[i])
        wrong(sweep_.factors[i].place(),
              "expected a JSON pointer such as /subject/mass, or a name that an expression or constraint uses");
  }

  /// Gives factors their dimensions in the order of the file; zipped ones take that of the first of them.
  void zipped() {
    std::vector<std::size_t> leader(sweep_.factors.size());
    for (std::size_t i = 0; i < leader.size(); ++i) leader[i] = i;
    for (std::size_t g = 0; g < sweep_.zipped.size(); ++g) {
      const std::string here = "/zipped/" + std::to_string(g);
      std::vector<std::size_t> group;
      for (std::size_t i = 0; i < sweep_.zipped[g].size(); ++i) {
        const std::string place = here + "/" + std::to_string(i);
        const std::size_t f = index_of(sweep_.factors, sweep_.zipped[g][i]);
        if (f == sweep_.factors.size()) {
          unknown(place, sweep_.zipped[g][i]);
          continue;
        }
        if (sweep_.factors[f].expression) wrong(place, "expected a factor with values of its own, found an expression");
        if (leader[f] != f || in_group_[f])
          wrong(place, "expected each factor once, found " + in_quotes(sweep_.zipped[g][i]) + " again");
        in_group_[f] = true;
        group.push_back(f);
      }
      if (sweep_.zipped[g].size() < 2) wrong(here, "expected two factors or more");
      if (group.empty()) continue;
      const std::size_t first = *std::min_element(group.begin(), group.end());
      for (const std::size_t f : group) {
        leader[f] = first;
        const std::size_t a = levels_of(sweep_.factors[first].values), b = levels_of(sweep_.factors[f].values);
        if (a != b && (a == 0 || b == 0 || std::holds_alternative<GridSampler>(sweep_.sampler)))
          wrong(here, "expected as many levels of each factor, found " + std::to_string(a) + " and " +
                          std::to_string(b) + " (0: a distribution)");
      }
    }
    std::size_t next = 0;
    for (std::size_t i = 0; i < leader.size(); ++i)
      if (!sweep_.factors[i].expression)
        sweep_.factors[i].dimension = leader[i] == i ? next++ : sweep_.factors[leader[i]].dimension;
  }

  void sampler() {
    const std::string place =
        "/sampler/" + std::visit([](const auto& kind) { return std::string(kind.name); }, sweep_.sampler);
    if (std::holds_alternative<GridSampler>(sweep_.sampler) || std::holds_alternative<ZipSampler>(sweep_.sampler)) {
      bool listed = true;
      for (const Factor& factor : sweep_.factors)
        if (!factor.expression && levels_of(factor.values) == 0) {
          listed = false;
          wrong(factor.place(), "expected a list, grid or range for this sampler, found a distribution");
        }
      if (!listed) return;
    }
    const SobolSampler* sobol = std::get_if<SobolSampler>(&sweep_.sampler);
    const bool is_morris = std::holds_alternative<MorrisSampler>(sweep_.sampler);
    if (((sobol && sobol->indices) || is_morris) && !sweep_.constraints.empty())
      wrong("/constraints", "expected none: without the cases that they drop, this sampler's design says nothing");
    if (is_morris)
      for (const Factor& factor : sweep_.factors)
        if (!factor.expression &&
            (std::isinf(quantile(factor.values, 0.0)) || std::isinf(quantile(factor.values, 1.0))))
          wrong(factor.place(), "expected low and high: the levels of Morris's design reach both ends");
    try {
      Design(sweep_.sampler, levels_of(sweep_.factors));
    } catch (const Error& error) {
      wrong(place, error.text());
    }
  }

  void correlation() {
    if (!sweep_.correlation) return;
    const Correlation& c = *sweep_.correlation;
    const std::size_t n = c.factors.size(), before = problems_.size();
    const SobolSampler* sobol = std::get_if<SobolSampler>(&sweep_.sampler);
    const bool samples = std::holds_alternative<RandomSampler>(sweep_.sampler) ||
                         std::holds_alternative<LatinHypercubeSampler>(sweep_.sampler) || (sobol && !sobol->indices);
    if (!samples)
      wrong("/correlation",
            "expected none: only random, latin_hypercube and sobol (without indices) correlate factors");
    if (n < 2) wrong("/correlation/factors", "expected two factors or more");
    std::vector<std::size_t> dimensions;
    for (std::size_t i = 0; i < n; ++i) {
      const std::string place = "/correlation/factors/" + std::to_string(i);
      const std::size_t f = index_of(sweep_.factors, c.factors[i]);
      if (f == sweep_.factors.size()) {
        unknown(place, c.factors[i]);
      } else if (sweep_.factors[f].expression) {
        wrong(place, "expected a factor with values of its own, found an expression");
      } else if (std::find(dimensions.begin(), dimensions.end(), sweep_.factors[f].dimension) != dimensions.end()) {
        wrong(place, "expected each factor once, and of zipped ones only one");
      } else {
        dimensions.push_back(sweep_.factors[f].dimension);
      }
    }
    if (c.matrix.size() != n)
      return wrong("/correlation/matrix",
                   "expected " + std::to_string(n) + " rows, found " + std::to_string(c.matrix.size()));
    for (std::size_t i = 0; i < n; ++i) {
      const std::string row = "/correlation/matrix/" + std::to_string(i);
      if (c.matrix[i].size() != n)
        return wrong(row, "expected " + std::to_string(n) + " numbers, found " + std::to_string(c.matrix[i].size()));
    }
    for (std::size_t i = 0; i < n; ++i) {
      const std::string row = "/correlation/matrix/" + std::to_string(i);
      if (c.matrix[i][i] != 1.0)
        wrong(row + "/" + std::to_string(i), "expected 1 on the diagonal, found " + shortest_text(c.matrix[i][i]));
      for (std::size_t k = 0; k < i; ++k)
        if (c.matrix[i][k] != c.matrix[k][i])
          wrong(row + "/" + std::to_string(k), "expected a symmetric matrix, found " + shortest_text(c.matrix[i][k]) +
                                                   " here and " + shortest_text(c.matrix[k][i]) + " opposite");
    }
    if (problems_.size() == before && cholesky(c.matrix).empty())
      wrong("/correlation/matrix",
            "expected a positive definite matrix, found one that no correlated factors can have");
  }

  SweepSpec& sweep_;
  std::vector<Problem>& problems_;
  std::vector<std::string> names_;
  std::vector<bool> in_group_ = std::vector<bool>(sweep_.factors.size(), false);
};

/// Reads the file, its tables and its base, and collects problems.
class SweepReader {
 public:
  explicit SweepReader(const StudySource& source)
      : document_(std::make_shared<Document>(source.text.empty() ? Document::read(source.path)
                                                                 : Document::parse(source.path, source.text))) {
    sweep_.path = source.path;
  }
  explicit SweepReader(const std::string& provenance, const std::string& path)
      : document_(std::make_shared<Document>(Document::parse(path, provenance))), recorded_(true) {
    sweep_.path = path;
    sweep_.provenance = provenance;
  }

  /// What SweepSpec::provenance says, without the base.
  SweepSpec recorded() {
    const json& root = document_->root();
    for (const char* member : {"sweep", "tables"})
      if (!root.is_object() || !root.contains(member) || !root[member].is_object())
        throw Error(Kind::input, sweep_.path,
                    "expected a recorded sweep with \"" + std::string(member) + "\", found none");
    tables_ = root["tables"];
    check_format(root["sweep"], sweep_format, walk_.problems);
    if (walk_.problems.empty()) members(root["sweep"]);
    if (walk_.problems.empty()) check_sweep(sweep_, walk_.problems);
    for (Problem& problem : walk_.problems) problem.pointer.insert(0, "/sweep");
    document_->complain(Kind::input, walk_.problems, walk_.more);
    sweep_.base = {};
    sweep_.where = [path = sweep_.path](const std::string& pointer) { return path + ": /sweep" + pointer; };
    return std::move(sweep_);
  }

  SweepSpec read() {
    const json& root = document_->root();
    std::vector<Problem> problems;
    check_format(root, sweep_format, problems);
    document_->complain(Kind::input, problems);

    members(root);
    if (walk_.problems.empty()) check_sweep(sweep_, walk_.problems);
    document_->complain(Kind::input, walk_.problems, walk_.more);

    const Study base = base_study();
    targets();
    document_->complain(Kind::input, walk_.problems, walk_.more);
    try_some();
    document_->complain(Kind::input, walk_.problems, walk_.more);

    json provenance = json::object();
    provenance["sweep"] = root;
    provenance["base"] = json::parse(base.provenance);
    provenance["tables"] = tables_;
    sweep_.provenance = provenance.dump();
    sweep_.where = [document = document_](const std::string& pointer) { return document->place(pointer); };
    return std::move(sweep_);
  }

 private:
  void members(const json& root) {
    for (const auto& [key, value] : root.items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end())
        walk_.wrong(below("", key), "unknown key" + did_you_mean(key, keys));
    const auto optional = [&](const char* key, auto& field, const Info& info) {
      if (root.contains(key)) walk_.into(field, root[key], std::string("/") + key, info);
    };
    optional("title", sweep_.title, {});
    optional("note", sweep_.note, {});
    optional("zipped", sweep_.zipped, Info{"", "lists of factors that move together"});
    optional("correlation", sweep_.correlation, {});
    optional("series", sweep_.series, {});
    base(root);
    vary(root);
    constraints(root);
    if (root.contains("sampler"))
      walk_.into(sweep_.sampler, root["sampler"], "/sampler", {});
    else
      walk_.wrong("", "missing \"sampler\" (which cases: {\"grid\": {}}, {\"sobol\": {\"samples\": 1024}}, …)");
    samples(root);
    if (root.contains("record"))
      walk_.into(sweep_.record, root["record"], "/record",
                 Info{"", "names of scalars, such as \"peak compression/L5_S1\""});
    else
      walk_.wrong("", "missing \"record\" (names of scalars, such as \"peak compression/L5_S1\")");
    if (root.contains("record") && root["record"].is_array()) {
      if (sweep_.record.empty()) walk_.wrong("/record", "expected at least one scalar, found an empty list");
      if (sweep_.record.size() > most_sweep_scalars)
        walk_.wrong("/record", "expected at most " + std::to_string(most_sweep_scalars) + " scalars, found " +
                                   std::to_string(sweep_.record.size()));
      for (std::size_t i = 0; i < sweep_.record.size(); ++i)
        if (std::find(sweep_.record.begin(), sweep_.record.begin() + static_cast<std::ptrdiff_t>(i),
                      sweep_.record[i]) != sweep_.record.begin() + static_cast<std::ptrdiff_t>(i))
          walk_.wrong("/record/" + std::to_string(i),
                      "expected each scalar once, found " + in_quotes(sweep_.record[i]) + " again");
    }
  }

  /// A sampler's number of points has no default: 0 means that none was given.
  void samples(const json& root) {
    if (!root.contains("sampler") || !root["sampler"].is_object()) return;
    for (const char* key : {"samples", "trajectories"})
      std::visit(
          [&]<class S>(S& sampler) {
            S::each(sampler, [&](const char* field, const auto&, const Info& info) {
              const json& kind = root["sampler"].contains(S::name) ? root["sampler"][std::string(S::name)] : root;
              if (std::string_view(field) == key && kind.is_object() && !kind.contains(key))
                walk_.wrong("/sampler/" + std::string(S::name),
                            "missing \"" + std::string(key) + "\" (" + std::string(info.help) + ")");
            });
          },
          sweep_.sampler);
  }

  void base(const json& root) {
    sweep_.base.path = sweep_.path;
    if (!root.contains("base")) return walk_.wrong("", "missing \"base\" (path of a psoas-study/1 file, or a study)");
    if (root["base"].is_object())
      sweep_.base.text = root["base"].dump(1);
    else if (root["base"].is_string())
      sweep_.base.path = beside(root["base"].get<std::string>());
    else
      walk_.wrong("/base", "expected the path of a psoas-study/1 file, or a study", &root["base"]);
  }

  void vary(const json& root) {
    if (!root.contains("vary")) return walk_.wrong("", "missing \"vary\" (from JSON pointers to their values)");
    const json& object = root["vary"];
    if (!object.is_object() || object.empty())
      return walk_.wrong("/vary", "expected an object from JSON pointers to their values", &object);
    for (const auto& [key, value] : object.items()) {
      if (key == "note" && value.is_string()) continue;
      Factor factor;
      factor.name = key;
      if (!key.empty() && key.front() == '/') factor.pointer = key;
      const std::string here = below("/vary", key);
      if (factor.pointer.empty()) {
        if (const std::string fault = name_fault(key); !fault.empty()) walk_.wrong(here, fault);
      } else if (!pointer_steps(key)) {
        walk_.wrong(here, "expected a JSON pointer such as /subject/mass");
      }
      json kind = value;
      if (kind.is_object() && kind.contains("name")) {
        if (factor.pointer.empty()) walk_.wrong(here + "/name", "expected none: this factor's name is its key");
        walk_.into(factor.name, kind["name"], here + "/name", Info{"", "what expressions and columns call the factor"});
        if (const std::string fault = name_fault(factor.name); kind["name"].is_string() && !fault.empty())
          walk_.wrong(here + "/name", fault);
        kind.erase("name");
      }
      if (kind.is_object() && kind.contains("expression")) {
        for (const auto& [other, member] : kind.items())
          if (other != "expression" && other != "note")
            walk_.wrong(below(here, other), "expected either values or an expression, found both");
        factor.expression = expression(kind["expression"], here + "/expression");
      } else {
        walk_.into(factor.values, kind, here, {});
        if (auto* empirical = std::get_if<EmpiricalDistribution>(&factor.values))
          measured(*empirical, here + "/empirical");
      }
      sweep_.factors.push_back(std::move(factor));
    }
  }

  void measured(EmpiricalDistribution& empirical, const std::string& here) {
    if (is_missing(empirical)) return;
    const std::string path = beside(empirical.file);
    try {
      std::string text;
      if (recorded_) {
        const auto entry = tables_.find(empirical.file);
        if (entry == tables_.end() || !entry->is_object() || !entry->contains("text") ||
            !(*entry)["text"].is_string()) {
          empirical.values = {std::nan("")};
          return;
        }
        text = (*entry)["text"].get<std::string>();
      } else {
        text = read_file(path);
      }
      const Table table = parse_table(text, path);
      table.require_finite(empirical.column);
      empirical.take(table.column(empirical.column));
      if (!recorded_) tables_[empirical.file] = embedded(text);
    } catch (const Error& error) {
      walk_.wrong(here + (error.kind() == Kind::io ? "/file" : ""), error.what());
      empirical.values = {0.0};  // one complaint is enough
    }
  }

  void constraints(const json& root) {
    if (!root.contains("constraints")) return;
    const json& list = root["constraints"];
    if (!list.is_array()) return walk_.wrong("/constraints", "expected a list of comparisons", &list);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string here = "/constraints/" + std::to_string(i);
      const json& one = list[i];
      const std::string name = only(one);
      if (std::find(relations.begin(), relations.end(), name) == relations.end() || !one[name].is_array() ||
          one[name].size() != 2) {
        walk_.wrong(here,
                    "expected a comparison such as {\"<=\": [\"a\", \"b\"]} with one of " + join(relations, ", "));
        continue;
      }
      sweep_.constraints.push_back({name, expression(one[name][0], below(here, name) + "/0"),
                                    expression(one[name][1], below(here, name) + "/1")});
    }
  }

  Expression expression(const json& value, const std::string& here) {
    using Operation = Expression::Operation;
    Expression e;
    e.pointer = here;
    if (value.is_number()) {
      e.value = value.get<double>();
      return e;
    }
    if (value.is_string()) {
      e.operation = Operation::factor;
      e.factor = value.get<std::string>();
      return e;
    }
    const std::string name = only(value), place = below(here, name);
    if (std::find(operations.begin(), operations.end(), name) == operations.end()) {
      walk_.wrong(here, "expected a number, the name of a factor, or an object with one of " + join(operations, ", ") +
                            did_you_mean(name, operations));
      return e;
    }
    const json& of = value[name];
    if (name == "scale") {
      e.operation = Operation::product;
      if (of.is_object() && of.contains("of") && of.contains("by") && of["by"].is_number() &&
          of.size() == 2 + of.count("note"))
        e.of = {expression(of["by"], place + "/by"), expression(of["of"], place + "/of")};
      else
        walk_.wrong(place, "expected {\"of\": …, \"by\": a number}");
      return e;
    }
    e.operation = name == "ratio"     ? Operation::ratio
                  : name == "sum"     ? Operation::sum
                  : name == "product" ? Operation::product
                  : name == "min"     ? Operation::min
                                      : Operation::max;
    if (!of.is_array() || of.empty() || (name == "ratio" && of.size() != 2)) {
      walk_.wrong(place, name == "ratio" ? "expected a list of two" : "expected a list of one or more");
      return e;
    }
    for (std::size_t i = 0; i < of.size(); ++i) e.of.push_back(expression(of[i], place + "/" + std::to_string(i)));
    return e;
  }

  /// The one key of an object besides its note, or nothing.
  static std::string only(const json& value) {
    std::string name;
    if (!value.is_object()) return name;
    for (const auto& [key, member] : value.items()) {
      if (key == "note") continue;
      if (!name.empty()) return "";
      name = key;
    }
    return name;
  }

  std::string beside(const std::string& file) const { return psoas::beside(sweep_.path, file); }

  Study base_study() const {
    try {
      return read_study(sweep_.base, {});
    } catch (const Error& error) {
      if (error.kind() != Kind::io) throw;
      throw Error(Kind::io, document_->place("/base"), error.what());
    }
  }

  /// Finds the places that factors mean; each number belongs to one factor.
  void targets() {
    std::vector<std::string> pointers;
    for (const Factor& factor : sweep_.factors)
      if (!factor.pointer.empty()) pointers.push_back(factor.pointer);
    const std::vector<NumberPlaces> found = find_numbers(sweep_.base, pointers);
    std::map<std::string, const Factor*> owner;
    std::size_t i = 0;
    for (Factor& factor : sweep_.factors) {
      if (factor.pointer.empty()) continue;
      const NumberPlaces& places = found[i++];
      if (!places.fault.empty()) walk_.wrong(factor.place(), places.fault);
      factor.targets = places.pointers;
      for (const std::string& target : factor.targets)
        if (const auto [at, first] = owner.emplace(target, &factor); !first) {
          walk_.wrong(factor.place(), "expected places that no other factor varies, found " + target + " also in " +
                                          at->second->pointer);
          break;
        }
    }
  }

  /// Places that no study can take together, such as a muscle's force beside its area, are seen before any work: where
  /// every factor has its median, or else, since constraints may not allow that, in one of the first cases.
  void try_some() {
    std::vector<double> values;
    for (const Factor& factor : sweep_.factors)
      values.push_back(factor.expression ? 0.0 : quantile(factor.values, 0.5));
    std::vector<std::size_t> circle;
    for (const std::size_t f : order_of(sweep_.factors, circle)) values[f] = (*sweep_.factors[f].expression)(values);
    const std::string fault = fault_of(values);
    if (fault.empty()) return;
    const Cases cases(sweep_);
    int tried = 0;
    for (std::uint64_t k = 0; k < std::min<std::uint64_t>(cases.count(), 10000) && tried < 8; ++k) {
      if (cases.at(k, values) != Verdict::run) continue;
      if (fault_of(values).empty()) return;
      ++tried;
    }
    walk_.wrong("/vary", "expected cases that can be read, found none among the first; " + fault);
  }

  /// Why no study can be read with these values of the factors, or nothing.
  std::string fault_of(const std::vector<double>& values) const {
    std::vector<std::pair<std::string, std::string>> set;
    for (std::size_t f = 0; f < values.size(); ++f) {
      if (!std::isfinite(values[f])) return "the value of " + sweep_.factors[f].name + " is no finite number";
      for (const std::string& target : sweep_.factors[f].targets) set.emplace_back(target, shortest_text(values[f]));
    }
    try {
      read_study(sweep_.base, set);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  SweepSpec sweep_;
  std::shared_ptr<Document> document_;
  Walk walk_;
  json tables_ = json::object();
  bool recorded_ = false;
};

}  // namespace

double Expression::operator()(std::span<const double> factors) const {
  switch (operation) {
    case Operation::constant:
      return value;
    case Operation::factor:
      return factors[index];
    case Operation::ratio:
      return of[0](factors) / of[1](factors);
    default:
      break;
  }
  double result = of.front()(factors);
  for (std::size_t i = 1; i < of.size(); ++i) {
    const double next = of[i](factors);
    if (operation == Operation::sum)
      result += next;
    else if (operation == Operation::product)
      result *= next;
    else if (std::isnan(next) || (operation == Operation::min ? next < result : next > result))
      result = next;
  }
  return result;
}

bool Constraint::holds(std::span<const double> factors) const {
  const double a = left(factors), b = right(factors);
  return relation == "<" ? a < b : relation == "<=" ? a <= b : relation == ">" ? a > b : a >= b;
}

std::string Factor::place() const { return below("/vary", pointer.empty() ? name : pointer); }

SweepSpec read_sweep(const std::string& path) { return SweepReader(StudySource{path, ""}).read(); }
SweepSpec read_sweep(const StudySource& source) { return SweepReader(source).read(); }

SweepSpec recorded_sweep(const std::string& provenance, const std::string& path) {
  return SweepReader(provenance, path).recorded();
}

void check_sweep(SweepSpec& sweep, std::vector<Problem>& problems) { Check(sweep, problems).run(); }

Cases::Cases(SweepSpec sweep) {
  std::vector<Problem> problems;
  check_sweep(sweep, problems);
  if (!problems.empty()) throw Error(Kind::input, problems.front().pointer, problems.front().text);
  factors_ = std::move(sweep.factors);
  constraints_ = std::move(sweep.constraints);
  design_.emplace(sweep.sampler, levels_of(factors_));
  std::vector<std::size_t> circle;
  order_ = order_of(factors_, circle);
  if (!sweep.correlation) return;
  // In the order of dimensions, so that a point can be changed in place from its end.
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t i = 0; i < sweep.correlation->factors.size(); ++i)
    places.emplace_back(factors_[index_of(factors_, sweep.correlation->factors[i])].dimension, i);
  std::sort(places.begin(), places.end());
  std::vector<std::vector<double>> matrix;
  for (const auto& [dimension, i] : places) {
    correlated_.push_back(dimension);
    matrix.emplace_back();
    for (const auto& [other, k] : places) matrix.back().push_back(sweep.correlation->matrix[i][k]);
  }
  lower_ = cholesky(matrix);
}

Verdict Cases::at(std::uint64_t k, std::span<double> values) const {
  // The point stands where the values will: a factor's dimension is never behind the factor, so that going backwards
  // no coordinate is lost before it is used.
  design_->point(k, values.first(design_->dimensions()));
  const NormalLaw normal(0.0, 1.0);
  const std::size_t n = correlated_.size();
  for (const std::size_t d : correlated_) values[d] = boost::math::quantile(normal, values[d]);
  for (std::size_t i = n; i-- > 0;) {
    double z = 0.0;
    for (std::size_t j = 0; j <= i; ++j) z += lower_[i * n + j] * values[correlated_[j]];
    values[correlated_[i]] = z;
  }
  // a share that rounds to an end would be an infinite value
  for (const std::size_t d : correlated_)
    values[d] = std::clamp(boost::math::cdf(normal, values[d]), 0x1.0p-60, 1.0 - 0x1.0p-53);
  for (std::size_t f = factors_.size(); f-- > 0;)
    if (!factors_[f].expression) values[f] = quantile(factors_[f].values, values[factors_[f].dimension]);
  for (const std::size_t f : order_) values[f] = (*factors_[f].expression)(values);
  for (std::size_t f = 0; f < factors_.size(); ++f)
    if (!std::isfinite(values[f])) return Verdict::not_finite;
  for (const Constraint& constraint : constraints_)
    if (!constraint.holds(values)) return Verdict::dropped;
  return Verdict::run;
}

std::uint64_t Cases::dropped(std::uint64_t first, std::uint64_t last) const {
  std::uint64_t count = 0;
  std::vector<double> values(factors());
  if (!constraints_.empty())
    for (std::uint64_t k = first; k < last; ++k) count += at(k, values) == Verdict::dropped;
  return count;
}

std::string sweep_schema() {
  json root = json::object();
  root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  root["title"] = sweep_format;
  root["type"] = "object";
  root["additionalProperties"] = false;
  root["required"] = {"format", "base", "vary", "sampler", "record"};
  json& p = root["properties"];
  const json text = {{"type", "string"}}, texts = {{"type", "array"}, {"items", text}};
  p["format"] = {{"const", sweep_format}};
  for (const char* key : {"$schema", "note", "title"}) p[key] = text;
  p["extends"] = extends_schema();
  p["base"] = {{"description", "path of a psoas-study/1 file, or a study"}, {"type", {"string", "object"}}};

  json values = schema_of(Values{});
  for (json& kind : values["oneOf"]) kind["properties"]["name"] = text;
  values["oneOf"].push_back(
      {{"type", "object"},
       {"description", "computed from other factors"},
       {"required", {"expression"}},
       {"properties", {{"expression", {{"$ref", "#/$defs/expression"}}}, {"name", text}, {"note", text}}},
       {"additionalProperties", false}});
  p["vary"] = {{"type", "object"},
               {"description",
                "from JSON pointers into the study, its model and its edits (or names that expressions use) to values"},
               {"properties", {{"note", text}}},
               {"additionalProperties", values},
               {"minProperties", 1}};
  p["zipped"] = {{"type", "array"}, {"description", "lists of factors that move together"}, {"items", texts}};
  p["correlation"] = schema_of(Correlation{});
  json relation = {{"type", "object"}, {"minProperties", 1}, {"additionalProperties", false}};
  const json pair = {{"type", "array"}, {"items", {{"$ref", "#/$defs/expression"}}}, {"minItems", 2}, {"maxItems", 2}};
  for (const std::string& name : relations) relation["properties"][name] = pair;
  relation["properties"]["note"] = text;
  p["constraints"] = {
      {"type", "array"}, {"description", "comparisons that every case must satisfy"}, {"items", relation}};
  json& sampler = p["sampler"] = schema_of(Sampler{});
  for (json& kind : sampler["oneOf"]) {  // numbers of points have no default
    const std::string name = kind["required"][0];
    json& object = kind["properties"][name];
    for (const char* key : {"samples", "trajectories"})
      if (object.contains("properties") && object["properties"].contains(key)) {
        object["properties"][key].erase("default");
        object["required"] = {key};
      }
  }
  p["record"] = {{"type", "array"},
                 {"description", "names of scalars, with globs: \"peak compression/L5_S1\""},
                 {"items", text},
                 {"minItems", 1},
                 {"maxItems", most_sweep_scalars}};
  p["series"] = schema_of(SeriesRecord{});

  const json list = {{"type", "array"}, {"items", {{"$ref", "#/$defs/expression"}}}, {"minItems", 1}};
  json operation = {{"type", "object"}, {"minProperties", 1}, {"additionalProperties", false}};
  for (const std::string& name : operations) operation["properties"][name] = name == "ratio" ? pair : list;
  operation["properties"]["scale"] = {
      {"type", "object"},
      {"properties", {{"of", {{"$ref", "#/$defs/expression"}}}, {"by", {{"type", "number"}}}, {"note", text}}},
      {"required", {"of", "by"}},
      {"additionalProperties", false}};
  operation["properties"]["note"] = text;
  root["$defs"]["expression"] = {{"description", "a number, the name of a factor, or what combines them"},
                                 {"oneOf", {{{"type", "number"}}, text, operation}}};
  return pretty(root);
}

}  // namespace psoas
