// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "study/memory.hpp"

namespace psoas {

StudyMemory::StudyMemory() : impl_(std::make_unique<Impl>()) {}
StudyMemory::~StudyMemory() = default;
StudyMemory::StudyMemory(StudyMemory&&) noexcept = default;
StudyMemory& StudyMemory::operator=(StudyMemory&&) noexcept = default;

}  // namespace psoas
