#pragma once

// Parts of a trained model as files for use elsewhere.

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/recipe.h"
#include "trainer/engine/task.h"
#include "trainer/io/component.h"
#include "trainer/models/parameters.h"

namespace fusor {

// Whether the configuration wants this model's parts (`export`).
bool IsExported(const Config& config, const ModelFacts& model);

// Parameters and running statistics; of those whose names begin with `prefix`, without it.
std::vector<NamedTensor> Tensors(const ParameterSet& parameters, const std::string& prefix = "");

// STEM.pth and STEM.safetensors.
Result<std::vector<ArtifactReport>> ExportComponent(const std::string& stem,
                                                    const std::vector<NamedTensor>& tensors,
                                                    const ComponentFacts& facts, std::int64_t step);

}  // namespace fusor
