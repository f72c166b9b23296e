// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/study/posture_watch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

constexpr double rounding = 1e-5;      // [rad or m] files round their ranges
constexpr std::size_t told_alone = 3;  // coordinates with a line each
constexpr std::size_t names_told = 4;

}  // namespace

const FlagName& name_of(PathFlag flag) {
  static constexpr std::array<FlagName, 5> names{{{"", ""},
                                                  {"outside_domain", "lies outside the domain that the model declares"},
                                                  {"ignores_surface", "ignores a surface"},
                                                  {"beyond_end", "touches a cylinder beyond its end"},
                                                  {"beyond_fit", "lies beyond the ranges that it was fitted on"}}};
  return names[static_cast<std::size_t>(flag)];
}

bool is_flagged(const Model& model, std::span<const double> q, const Workspace& work, int muscle) {
  return work.fibre.outside_domain[static_cast<std::size_t>(muscle)] != 0 ||
         path_flag(model, q, work, muscle) != PathFlag::none;
}

PostureWatch::PostureWatch(const Model& model) : model_(model), all_(static_cast<std::size_t>(model.muscles())) {
  std::iota(all_.begin(), all_.end(), 0);
  for (const std::string& name : model.data().coordinate_names)
    ranges_.push_back(model.spec().coordinates.find(name)->range);
  excess_.assign(ranges_.size(), 0.0);
  const auto sized = [](Tally& tally, std::size_t elements) {
    tally.count.assign(elements, 0);
    tally.first.assign(elements, -1);
  };
  sized(coordinates_, ranges_.size());
  sized(fibres_, all_.size());
  for (Tally& tally : paths_) sized(tally, all_.size());
}

void PostureWatch::Tally::add(std::size_t element, int posture) {
  if (count[element]++ == 0) first[element] = posture;
  if (posture != last) ++postures, last = posture;
}

void PostureWatch::see(std::span<const double> q, const Workspace& work) { see(q, work, all_); }

void PostureWatch::see(std::span<const double> q, const Workspace& work, std::span<const int> muscles) {
  see(q, work.inside, work.fibre.outside_domain, muscles);
}

void PostureWatch::see(std::span<const double> q, std::span<const char> inside, std::span<const unsigned char> outside,
                       std::span<const int> muscles) {
  for (std::size_t c = 0; c < q.size(); ++c) {
    const double past = std::max(ranges_[c][0] - q[c], q[c] - ranges_[c][1]);
    if (past < rounding) continue;
    excess_[c] = std::max(excess_[c], past);
    coordinates_.add(c, seen_);
  }
  const std::vector<OutsideDomain>& domain = model_.data().domain;
  const bool declared = std::any_of(domain.begin(), domain.end(), [&](const auto& item) { return item.holds(q); });
  for (const int muscle : muscles) {
    const auto m = static_cast<std::size_t>(muscle);
    const PathFlag flag =
        declared && outside_domain(model_, q, muscle) ? PathFlag::outside_domain : PathFlag{inside[m]};
    if (flag != PathFlag::none) paths_[static_cast<std::size_t>(flag)].add(m, seen_);
    if (outside[m] != 0) fibres_.add(m, seen_);
  }
  ++seen_;
}

std::string PostureWatch::line(const Tally& tally, const std::vector<std::string>& names, const std::string& one,
                               const std::string& many, const std::function<std::string(std::size_t)>& remark,
                               const std::function<std::string(int)>& place) const {
  std::vector<std::size_t> met;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (tally.count[i] > 0) met.push_back(i);
  const std::size_t first = *std::min_element(
      met.begin(), met.end(), [&](std::size_t a, std::size_t b) { return tally.first[a] < tally.first[b]; });
  const bool single = met.size() == 1;
  std::string out = single ? names[first] + one + remark(first) : std::to_string(met.size()) + " " + many;
  const double share = 100.0 * tally.postures / seen_;
  out += tally.postures == seen_
             ? " in " + std::string(seen_ == 1 ? "the only posture" : "all " + std::to_string(seen_) + " postures")
             : " in " + std::to_string(tally.postures) + " of " + std::to_string(seen_) + " postures (" +
                   (share < 0.5 ? "under 0.5" : fixed_text(share, 0)) + " %)";
  out += ", first " + (single ? "" : names[first] + " ") + place(tally.first[first]);
  if (single) return out;
  std::stable_sort(met.begin(), met.end(),
                   [&](std::size_t a, std::size_t b) { return tally.count[a] > tally.count[b]; });
  out += ", most often ";
  const std::size_t told = met.size() == names_told + 1 ? met.size() : std::min(met.size(), names_told);
  for (std::size_t i = 0; i < told; ++i)
    out += (i > 0 ? ", " : "") + names[met[i]] + remark(met[i]) + " (" + std::to_string(tally.count[met[i]]) + ")";
  return told == met.size() ? out : out + " and " + std::to_string(met.size() - told) + " others";
}

std::vector<std::string> PostureWatch::warnings(const std::function<std::string(int)>& place) const {
  const ModelData& data = model_.data();
  std::vector<std::string> out;
  const auto by = [&](std::size_t c) {
    const bool angle = data.is_rotation[c];
    const auto text = [&](double x) { return angle ? fixed_text(to_degrees(x), 1) : fixed_text(x, 3); };
    return " (" + text(ranges_[c][0]) + " to " + text(ranges_[c][1]) + (angle ? " deg" : " m") + ") by up to " +
           text(excess_[c]) + (angle ? " deg" : " m");
  };
  const auto text = [](std::size_t flag) { return std::string(name_of(static_cast<PathFlag>(flag)).text); };
  const auto nothing = [](std::size_t) { return std::string(); };
  const auto beyond = [](int count) { return count > 0; };
  const auto alone =
      static_cast<std::size_t>(std::count_if(coordinates_.count.begin(), coordinates_.count.end(), beyond));
  if (alone > told_alone)
    out.push_back(line(coordinates_, data.coordinate_names, "", "coordinates beyond their ranges", by, place));
  for (std::size_t c = 0; alone <= told_alone && c < ranges_.size(); ++c) {
    if (coordinates_.count[c] == 0) continue;
    Tally own;
    own.count.assign(ranges_.size(), 0);
    own.first = coordinates_.first;
    own.postures = own.count[c] = coordinates_.count[c];
    out.push_back(line(own, data.coordinate_names, " beyond its range", "", by, place));
  }
  for (std::size_t flag = 1; flag < paths_.size(); ++flag)
    if (paths_[flag].postures > 0)
      out.push_back(line(paths_[flag], data.muscle_names, ": path " + text(flag), "muscles whose path " + text(flag),
                         nothing, place));
  const std::string fibres = "fibres outside their domain";
  if (fibres_.postures > 0)
    out.push_back(line(fibres_, data.muscle_names, ": " + fibres, "muscles with " + fibres, nothing, place));
  return out;
}

}  // namespace psoas
