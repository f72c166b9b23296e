// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
//
// Low-pass filter for recorded motion that shifts nothing in time.
//   std::vector<double> smooth = lowpass(angle, sampling_rate(table.times()), 6.0);
#pragma once

#include <string_view>
#include <vector>

namespace psoas {

/// Second-order Butterworth low-pass run forward and backward over equally spaced samples: no phase shift, gain
///     |H(f)| = 1 / (1 + (sqrt(2) - 1) (tan(pi f / rate) / tan(pi cutoff / rate))^4)
/// so -3.01 dB at the cutoff after both passes (Winter 2009; the correction of the cutoff is exact here because it is
/// applied after the bilinear transform's warping). The line through the first and the last sample is
/// taken off first and put back, as the filter passes lines unchanged; the rest is continued beyond each end by point
/// reflection, with the filter started in the steady state of the first sample.
///
/// samples  at least 6, finite, any unit
/// rate     samples a second [Hz], > 0
/// cutoff   [Hz], above 0 and below rate / 2
/// where    what messages call the signal
///
/// Throws Error(Kind::input) when these do not hold.
std::vector<double> lowpass(const std::vector<double>& samples, double rate, double cutoff,
                            std::string_view where = "lowpass");

/// Samples a second [Hz] of equally spaced times [s]. Throws Error(Kind::input) for fewer than 2 times, and when a time
/// is more than 0.1 steps off the even spacing (files round times; more than that wants resampling).
double sampling_rate(const std::vector<double>& times, std::string_view where = "time");

}  // namespace psoas
