// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "psoas/muscle/viscoelastic.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "psoas/core/error.hpp"
#include "psoas/core/roots.hpp"
#include "psoas/core/table.hpp"

namespace psoas {
namespace {

constexpr std::size_t count = Relaxation::count;

/// 1 - exp(-x) without loss of digits.
double gone(double x) { return -std::expm1(-x); }

/// The terms that do something, by rising rate 1 / time.
struct Rates {
  std::size_t size = 0;
  std::array<std::size_t, count> term{};
  std::array<double, count> share{}, rate{};
};
Rates rates_of(const Relaxation& relaxation) {
  Rates out;
  for (std::size_t i = count; i-- > 0;) {
    if (!(relaxation.terms[i].share > 0.0)) continue;
    out.term[out.size] = i;
    out.share[out.size] = relaxation.terms[i].share;
    out.rate[out.size++] = 1.0 / relaxation.terms[i].time;
  }
  return out;
}

void check(const Relaxation& relaxation) {
  if (const std::string fault = relaxation.fault(); !fault.empty()) throw Error(Kind::input, "relaxation", fault);
}

}  // namespace

std::string Relaxation::fault() const {
  for (const Term& term : terms)
    if (!(term.share >= 0.0) || !(term.time > 0.0 && std::isfinite(term.time)))
      return "expected shares not below 0 and times above 0, found " + shortest_text(term.share) + " and " +
             shortest_text(term.time) + " s";
  for (std::size_t i = 1; i < count; ++i)
    if (!(terms[i].time > terms[i - 1].time))
      return "expected times that increase, found " + shortest_text(terms[i - 1].time) + " and " +
             shortest_text(terms[i].time) + " s";
  if (!(remaining() > 0.0)) return "expected shares whose sum is below 1, found " + shortest_text(1.0 - remaining());
  return "";
}

double Relaxation::at(double t) const {
  double g = 1.0;
  for (const Term& term : terms) g -= term.share * gone(t / term.time);
  return g;
}

double Relaxation::remaining() const {
  double left = 1.0;
  for (const Term& term : terms) left -= term.share;
  return left;
}

double Creep::at(double t) const {
  double j = final;
  for (std::size_t i = 0; i < count; ++i)
    if (amplitude[i] > 0.0) j -= amplitude[i] * std::exp(-t / time[i]);
  return j;
}

Creep creep_of(const Relaxation& relaxation) {
  // With g shares and d rates, s G(s) = 1 - sum of g d / (s + d). Its zeros -m lie one below each -d, and J has there
  // the term -exp(-m t) / (m sum of g d / (d - m)^2).
  check(relaxation);
  const Rates terms = rates_of(relaxation);
  Creep out;
  out.final = 1.0 / relaxation.remaining();
  for (std::size_t i = 0; i < terms.size; ++i) {
    const double low = i == 0 ? 0.0 : terms.rate[i - 1], high = terms.rate[i];
    // times (d - m) of both neighbours, so that it has no pole between them
    const auto balance = [&](double m) {
      const double below = i == 0 ? 1.0 : m - low, above = high - m;
      double sum = -below * above;
      for (std::size_t k = 0; k < terms.size; ++k) {
        const double gd = terms.share[k] * terms.rate[k];
        if (k == i)
          sum += gd * below;
        else if (k + 1 == i)
          sum -= gd * above;
        else
          sum += gd * below * above / (terms.rate[k] - m);
      }
      return sum;
    };
    const double m = bisection_root(balance, low, high, {.iterations = 200}).x;
    double slope = 0.0;
    for (std::size_t k = 0; k < terms.size; ++k)
      slope += terms.share[k] * terms.rate[k] / std::pow(terms.rate[k] - m, 2);
    out.time[i] = 1.0 / m;
    out.amplitude[i] = 1.0 / (m * slope);
  }
  return out;
}

Viscoelastic::Viscoelastic(const Relaxation& relaxation) : relaxation_(relaxation), creep_(creep_of(relaxation)) {}

double Viscoelastic::force() const {
  return std::accumulate(branch_.begin(), branch_.end(), relaxation_.remaining() * elastic_);
}

void Viscoelastic::jump(double elastic) {
  for (std::size_t i = 0; i < count; ++i) branch_[i] += relaxation_.terms[i].share * (elastic - elastic_);
  elastic_ = elastic;
}

void Viscoelastic::hold(double duration) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [share, time] = relaxation_.terms[i];
    if (!(share > 0.0)) continue;
    dissipated_ += 0.5 * branch_[i] * branch_[i] / share * gone(2.0 * duration / time);
    branch_[i] *= std::exp(-duration / time);
  }
}

void Viscoelastic::ramp(double elastic, double duration) {
  const double speed = (elastic - elastic_) / duration;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [share, time] = relaxation_.terms[i];
    if (!(share > 0.0)) continue;
    // branch = end + (branch now - end) exp(-t / time); its square over share time is what the dashpot takes up
    const double end = share * speed * time, off = branch_[i] - end, x = duration / time;
    dissipated_ += (end * end * x + 2.0 * end * off * gone(x) + 0.5 * off * off * gone(2.0 * x)) / share;
    branch_[i] = end + off * std::exp(-x);
  }
  elastic_ = elastic;
}

void Viscoelastic::hold_force(double force, double duration) {
  jump(elastic_ + force - this->force());
  const Rates terms = rates_of(relaxation_);
  if (terms.size == 0) return;
  // While the force is constant the elastic response grows by sum of d branch, which feeds the branches in turn: with
  // y = branch sqrt(d / g) the law is symmetric, and its modes are sqrt(g d) / (d - m), with the rates m of creep.
  const double before = stored_energy(), began = elastic_;
  std::array<double, count> y{}, next{};
  for (std::size_t i = 0; i < terms.size; ++i)
    y[i] = branch_[terms.term[i]] * std::sqrt(terms.rate[i] / terms.share[i]);
  for (std::size_t k = 0; k < terms.size; ++k) {
    const double m = 1.0 / creep_.time[k];
    double square = 0.0, part = 0.0;
    for (std::size_t i = 0; i < terms.size; ++i) {
      const double mode = std::sqrt(terms.share[i] * terms.rate[i]) / (terms.rate[i] - m);
      square += mode * mode;
      part += mode * y[i];
    }
    for (std::size_t i = 0; i < terms.size; ++i)
      next[i] +=
          part / square * std::exp(-m * duration) * std::sqrt(terms.share[i] * terms.rate[i]) / (terms.rate[i] - m);
  }
  double branches = 0.0;
  for (std::size_t i = 0; i < terms.size; ++i) {
    branch_[terms.term[i]] = next[i] * std::sqrt(terms.share[i] / terms.rate[i]);
    branches += branch_[terms.term[i]];
  }
  elastic_ = (force - branches) / relaxation_.remaining();
  dissipated_ += std::max(0.0, force * (elastic_ - began) - (stored_energy() - before));
}

double Viscoelastic::stored_energy() const {
  double energy = 0.5 * relaxation_.remaining() * elastic_ * elastic_;
  for (std::size_t i = 0; i < count; ++i)
    if (relaxation_.terms[i].share > 0.0) energy += 0.5 * branch_[i] * branch_[i] / relaxation_.terms[i].share;
  return energy;
}

double StretchEffect::loss_after(double time) const {
  double left = 0.0;
  for (std::size_t i = 0; i < count; ++i) left -= branch[i] * std::exp(-time / relaxation.terms[i].time);
  return left;
}

StretchEffect stretch(const Relaxation& relaxation, const StretchSession& session) {
  if (!(session.hold > 0.0 && std::isfinite(session.hold)) || !(session.rest >= 0.0 && std::isfinite(session.rest)) ||
      session.repetitions < 1)
    throw Error(Kind::input, "stretch",
                "expected holds above 0 s, rests not below 0 s and at least one repetition, found " +
                    shortest_text(session.hold) + " s, " + shortest_text(session.rest) + " s and " +
                    std::to_string(session.repetitions));
  StretchEffect effect;
  effect.relaxation = relaxation;
  Viscoelastic tissue(relaxation);
  for (int k = 0; k < session.repetitions; ++k) {
    if (k > 0) tissue.hold(session.rest);
    if (session.constant_force) {
      tissue.hold_force(1.0, 0.0);
      const double start = tissue.elastic();
      tissue.hold_force(1.0, session.hold);
      effect.last_creep = tissue.elastic() - start;
      if (k == 0) effect.first_creep = effect.last_creep;
      effect.load += session.hold;
    } else {
      tissue.jump(1.0);
      const double start = tissue.force();
      effect.load += tissue.held_impulse(session.hold);
      tissue.hold(session.hold);
      effect.last_drop = 1.0 - tissue.force() / start;
      if (k == 0) effect.first_drop = effect.last_drop;
    }
    tissue.jump(0.0);
  }
  effect.branch = tissue.branches();
  effect.loss = effect.loss_after(0.0);
  return effect;
}

double Viscoelastic::held_impulse(double duration) const {
  double impulse = relaxation_.remaining() * elastic_ * duration;
  for (std::size_t i = 0; i < count; ++i)
    impulse += branch_[i] * relaxation_.terms[i].time * gone(duration / relaxation_.terms[i].time);
  return impulse;
}

}  // namespace psoas
