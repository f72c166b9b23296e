// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "certificate.hpp"

#include <filesystem>
#include <set>

#include "psoas/core/error.hpp"
#include "psoas/core/units.hpp"
#include "psoas/core/words.hpp"

namespace psoas::app {
namespace {

/// "hip_flexion_r -30.0°, hip_adduction_r 5.0°", the coordinate of the line first.
std::string posture_text(const Named<double>& posture, const std::string& first, const Model& model) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& name, double value) {
    const CoordinateSpec* item = model.spec().coordinates.find(name);
    out.push_back(
        name + " " +
        (!item || item->motion == "rotation" ? fixed_text(to_degrees(value), 2) + "°" : fixed_text(value, 4) + " m"));
  };
  for (const auto& [name, value] : posture)
    if (name == first) add(name, value);
  for (const auto& [name, value] : posture)
    if (name != first) add(name, value);
  return join(out, ", ");
}

std::string millimetres(double metres) { return short_text(1e3 * metres) + " mm"; }

std::string fault_text(const PathFault& fault) {
  if (fault.kind == "length_jump") return "length jumps by " + millimetres(fault.size);
  if (fault.kind == "arm_jump") return "moment arm jumps by " + millimetres(fault.size);
  if (fault.kind == "arm_sign_flip") return "moment arm flips its sign with a jump of " + millimetres(fault.size);
  if (fault.kind == "inside") return "ignores a surface in " + short_text(100.0 * fault.size) + " % of the postures";
  if (fault.kind == "beyond_end")
    return "touches a cylinder beyond its end in " + short_text(100.0 * fault.size) + " % of the postures";
  if (fault.kind == "history") return "depends on the posture before, by " + millimetres(fault.size);
  return "has no finite length or moment arm";
}

std::string extreme_text(const std::string& what, const std::optional<PathExtreme>& extreme, const std::string& value,
                         const Model& model) {
  if (!extreme || extreme->value == 0.0) return what + ": none";
  return what + ": " + value + " (" + extreme->muscle + " at " +
         posture_text(extreme->posture, extreme->coordinate, model) + ")";
}

std::size_t count(int n) { return static_cast<std::size_t>(n < 0 ? 0 : n); }

std::string millions(double number) {
  return number < 1e6 ? fixed_text(number, 0) : fixed_text(1e-6 * number, 1) + " million";
}

}  // namespace

std::vector<std::string> problem_lines(const Certificate& certificate, const Model& model) {
  std::vector<std::string> out;
  for (const PathFault& fault : certificate.problems)
    out.push_back(fault.muscle + ": " + fault_text(fault) + " at " +
                  posture_text(fault.posture, fault.coordinate, model) + " (met " +
                  counted(static_cast<std::size_t>(fault.places), "time", "times") + ")");
  return out;
}

std::vector<std::string> certificate_lines(const Certificate& certificate, const Model& model) {
  std::set<std::string> wrong_muscles;
  for (const PathFault& fault : certificate.problems) wrong_muscles.insert(fault.muscle);
  std::vector<std::string> out;
  out.push_back(counted(count(certificate.muscles), "muscle", "muscles") + ", " +
                counted(count(certificate.samples), "sample", "samples") + ", " + millions(certificate.paths) +
                " paths: " +
                (certificate.problems.empty() ? "clean"
                                              : counted(certificate.problems.size(), "problem", "problems") + " in " +
                                                    counted(wrong_muscles.size(), "muscle", "muscles")));
  const auto value = [](const std::optional<PathExtreme>& extreme) { return extreme ? extreme->value : 0.0; };
  out.push_back(extreme_text("greatest jump of a length above " + millimetres(certificate.length_limit),
                             certificate.length_jump, millimetres(value(certificate.length_jump)), model));
  out.push_back(extreme_text("greatest jump of a moment arm above " + millimetres(certificate.arm_limit),
                             certificate.arm_jump, millimetres(value(certificate.arm_jump)), model));
  out.push_back(extreme_text("fastest change of a moment arm", certificate.steepest_arm,
                             fixed_text(1e3 * degrees(value(certificate.steepest_arm)), 2) + " mm per degree", model));
  if (certificate.mirrored > 0)
    out.push_back(extreme_text(
        "greatest difference between left and right of " + counted(count(certificate.mirrored), "pair", "pairs"),
        certificate.asymmetry, millimetres(value(certificate.asymmetry)), model));
  std::size_t signs = 0;
  for (const auto& [muscle, arms] : certificate.sign_changes) signs += arms.size();
  if (signs > 0)
    out.push_back(
        "of both signs over the range (listed in the certificate): " + counted(signs, "moment arm", "moment arms") +
        " of " + counted(certificate.sign_changes.size(), "muscle", "muscles"));
  if (!certificate.steep_arms.empty())
    out.push_back("changing by over 5 mm a degree (listed in the certificate): moment arms of " +
                  counted(certificate.steep_arms.size(), "muscle", "muscles"));
  double worst = 0.0;
  std::string muscle;
  for (const FibreRange& range : certificate.fibres)
    if (range.outside > worst) worst = range.outside, muscle = range.muscle;
  if (!certificate.fibres.empty())
    out.push_back(
        "fibres at rest slack or outside their curves: " + counted(certificate.fibres.size(), "muscle", "muscles") +
        ", the most " + muscle + " in " + fixed_text(100.0 * worst, 0) + " % of its postures");
  if (certificate.flagged > 0.0)
    out.push_back(millions(certificate.flagged) + " of the paths are outside the domain that the model declares");
  return out;
}

std::optional<CarriedCertificate> carried_certificate(const std::string& model_path, const Model& model) {
  if (!model.spec().certificate) return {};
  CarriedCertificate out;
  out.place = place_in_model(model_path, "/certificate");
  const std::string path =
      (std::filesystem::path(out.place.file).parent_path() / *model.spec().certificate).lexically_normal().string();
  try {
    const Certificate certificate = read_certificate(path);
    out.lines = certificate_lines(certificate, model);
    const std::string hash = model_hash(model.spec());
    if (certificate.model != model.spec().name)
      out.problem = "OF ANOTHER MODEL: expected a certificate of " + in_quotes(model.spec().name) + ", found one of " +
                    in_quotes(certificate.model) + " in " + path;
    else if (certificate.model_hash != hash)
      out.problem = "STALE: expected a certificate of this state of the model (" + hash + "), found one of another (" +
                    certificate.model_hash + ") in " + path;
  } catch (const Error& error) {
    out.problem = std::string("cannot be read: ") + error.what();
  }
  if (out.problem.empty()) return out;
  if (out.place.file == model_path)
    out.problem += "; psoas check " + model_path + " --range-of-motion -o " + path + " makes a new one";
  else
    out.inherited = "no certificate of its own; that of " + out.place.file + " is not of this model";
  return out;
}

}  // namespace psoas::app
