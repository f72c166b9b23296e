// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/posture_support.hpp"

#include <algorithm>

#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Contacts of a backrest: two rows of two at the thorax, as it is a plane; at the pelvis one that never pushes.
const std::string low_contact = "backrest_low", high_contact = "backrest_high", pelvis_contact = "backrest_pelvis";
constexpr double half_breadth = 0.08;    // of a row [m]
constexpr double sacrum_height = -0.03;  // of the sacrum's most prominent skin above the pelvis' origin [m]

/// Contact points in ground at independent coordinates q.
std::vector<Vec3> points(const Model& model, std::span<const double> q, const std::vector<int>& contacts,
                         Workspace& work) {
  const ModelData& data = model.data();
  evaluate(model, q, std::vector<double>(q.size(), 0.0), work, std::span<const int>());
  std::vector<Vec3> found;
  for (const int k : contacts)
    found.push_back(work.tree.X_GB[at(data.contacts[at(k)].body)] * data.contacts[at(k)].location);
  return found;
}

/// Out of the backrest, in ground [-].
Vec3 backrest_normal(const BackrestSpec& backrest) {
  return rotation_about(Vec3::UnitZ(), degrees(backrest.angle_deg - 90.0)).col(0);
}

/// Whether a contact is of the thorax at the backrest.
bool is_at_backrest(const std::string& contact) {
  return contact.starts_with(low_contact) || contact.starts_with(high_contact);
}

/// Contacts of the pelvis on a seat.
std::vector<int> ischia_of(const Model& model) {
  std::vector<int> out;
  int k = 0;
  for (const auto& [name, contact] : model.spec().contacts) {
    if (contact.support == "seat" && !name.starts_with("backrest_")) out.push_back(k);
    ++k;
  }
  return out;
}

void add_backrest(const Study& study, const BackrestSpec& backrest, const Model& model, ModelSpec& spec) {
  const ModelData& data = model.data();
  if (data.levels.empty())
    throw Error(Kind::input, study.place("/backrest"), "expected a model with lumbar levels, found none");
  Workspace work(model);
  double seat = 0.0;
  const std::vector<Vec3> ischia = points(model, data.default_coordinates, ischia_of(model), work);
  for (const Vec3& point : ischia) seat += point.y() / static_cast<double>(ischia.size());
  // where the backrest touches is told in the default state, which is upright
  const int thorax = data.levels.back().superior, pelvis = data.levels.front().inferior;
  const PoseT<double>& X_GT = work.tree.X_GB[at(thorax)];
  ContactSpec contact;
  contact.support = "seat";
  contact.normal = backrest_normal(backrest);
  contact.cap = 1.0;
  contact.friction = backrest.friction;
  contact.body = data.body_names[at(thorax)];
  for (const auto& [name, height] : {std::pair(low_contact, backrest.low), std::pair(high_contact, backrest.high)}) {
    const double along = (X_GT.inverse() * Vec3(X_GT.p.x(), seat + height, X_GT.p.z())).y();
    if (!(along > 0.0))
      throw Error(Kind::input, study.place("/backrest/low"),
                  "expected a height at the thorax, which begins " + fixed_text(X_GT.p.y() - seat, 2) +
                      " m above the seat, found " + fixed_text(height, 2) + " m");
    for (const double side : {1.0, -1.0}) {
      contact.location = {-backrest.thorax_depth, along, side * half_breadth};
      spec.contacts[name + (side > 0.0 ? "_r" : "_l")] = contact;
    }
  }
  if (!backrest.pelvis_depth) return;
  contact.body = data.body_names[at(pelvis)];
  contact.location = {-*backrest.pelvis_depth, sacrum_height, 0.0};
  contact.cap = 0.0;
  spec.contacts[pelvis_contact] = contact;
}

}  // namespace

BackrestPush backrest_push(const BackrestSpec& backrest, const InverseSolver& solved) {
  const Vec3 normal = backrest_normal(backrest), along(-normal.y(), normal.x(), 0.0);
  BackrestPush out;
  double moment = 0.0;
  std::size_t k = 0;
  for (const auto& [name, contact] : solved.model().spec().contacts) {
    const std::span<const double> force = solved.contact_force().subspan(3 * k++, 3);
    if (!is_at_backrest(name)) continue;
    const Vec3 push(force[0], force[1], force[2]);
    out.normal += push.dot(normal);
    out.friction += push.dot(along);
    moment += push.dot(normal) * (name.starts_with(low_contact) ? backrest.low : backrest.high);
  }
  out.height = moment / out.normal;
  return out;
}

Model on_support(const Study& study, const PostureStudy& question, const Model& model) {
  if (question.backrest && question.support != "seat")
    throw Error(Kind::input, study.place("/backrest"),
                "expected the support \"seat\" with a backrest, found \"" + question.support + "\"");
  if (question.support == "both_feet") return model;
  ModelSpec spec = model.spec();
  if (question.support == "seat") {
    // Thighs come to the seat only where the feet have no floor: their points do not push
    const std::string& pelvis =
        model.data().body_names[at(model.data().levels.empty() ? 1 : model.data().levels.front().inferior)];
    spec.contacts.erase_if(
        [&](const std::string&, const auto& contact) { return contact.support == "seat" && contact.body != pelvis; });
    if (question.backrest) add_backrest(study, *question.backrest, Model(spec), spec);
    return Model(spec);
  }
  const std::string off = question.support == "right_foot" ? "_l" : "_r";
  spec.contacts.erase_if(
      [&](const std::string& name, const auto& contact) { return contact.support == "foot" && name.ends_with(off); });
  return Model(spec);
}

std::vector<HeldHeight> held_heights(const Study& study, const PostureStudy& question, const Model& model,
                                     const std::vector<int>& free) {
  const ModelData& data = model.data();
  const Vec3 up = rotation_about(Vec3::UnitZ(), degrees(question.floor_slope_deg)).col(1);
  Workspace work(model);
  std::vector<HeldHeight> out;
  for (const std::string side : {"_r", "_l"}) {
    std::vector<int> foot;
    int k = 0;
    for (const auto& [name, contact] : model.spec().contacts) {
      if (name.ends_with(side) && contact.support == "foot") foot.push_back(k);
      ++k;
    }
    if (foot.empty()) continue;
    // a plane through the points: its height, its slope forwards and, where a free coordinate tilts it, sideways
    const std::vector<Vec3> standing = points(model, data.default_coordinates, foot, work);
    // (least squares: each point's share in the three, rows of the pseudo-inverse of [1 x z])
    MatX places(static_cast<Eigen::Index>(foot.size()), 3);
    for (std::size_t i = 0; i < foot.size(); ++i)
      places.row(static_cast<Eigen::Index>(i)) << 1.0, standing[i].x(), standing[i].z();
    const MatX shares = places.completeOrthogonalDecomposition().pseudoInverse();
    HeldHeight mean;
    mean.up = up;
    for (const int contact : foot) mean.contacts.push_back({contact, 1.0 / static_cast<double>(foot.size())});
    out.push_back(mean);
    for (const Eigen::Index along : {1, 2}) {
      HeldHeight slope;
      slope.up = up;
      for (std::size_t i = 0; i < foot.size(); ++i)
        slope.contacts.push_back({foot[i], shares(along, static_cast<Eigen::Index>(i))});
      double turns = 0.0;
      for (const int c : free) {
        std::vector<double> q = data.default_coordinates;
        q[at(c)] += 0.1;
        const std::vector<Vec3> moved = points(model, q, foot, work);
        double tilt = 0.0;
        for (std::size_t i = 0; i < foot.size(); ++i)
          tilt += slope.contacts[i].second * (moved[i].y() - standing[i].y());
        turns = std::max(turns, std::abs(tilt) / 0.1);
      }
      if (turns > 0.2) out.push_back(slope);
    }
  }
  if (question.support == "seat") {
    const std::vector<int> ischia = ischia_of(model);
    if (ischia.empty())
      throw Error(Kind::input, study.place("/support"), "expected a model with contacts of the pelvis on a seat");
    HeldHeight seat;
    for (const int k : ischia) seat.contacts.push_back({k, 1.0 / static_cast<double>(ischia.size())});
    seat.height = question.seat_height;
    out.push_back(seat);
  }
  if (question.backrest) {
    // the thorax lies flat against it, wherever on the seat that is; the pelvis, where asked, has its back in the plane
    HeldHeight flat, pelvis;
    flat.up = pelvis.up = backrest_normal(*question.backrest);
    int k = 0;
    for (const auto& [name, contact] : model.spec().contacts) {
      if (is_at_backrest(name)) {
        flat.contacts.push_back({k, name.starts_with(low_contact) ? -0.5 : 0.5});
        pelvis.contacts.push_back({k, 0.25});
      }
      if (name == pelvis_contact) pelvis.contacts.push_back({k, -1.0});
      ++k;
    }
    out.push_back(flat);
    if (question.backrest->pelvis_depth) out.push_back(pelvis);
  }
  if (out.empty()) throw Error(Kind::input, study.place("/support"), "expected a model with contacts under the feet");
  return out;
}

}  // namespace psoas
