#include "trainer/recipes/export.h"

namespace fusor {

bool IsExported(const Config& config, const ModelFacts& model) {
  const std::string& wanted = config.Text("export");
  return wanted == "both" || wanted == model.which;
}

std::vector<NamedTensor> Tensors(const ParameterSet& parameters, const std::string& prefix) {
  std::vector<NamedTensor> tensors;
  const auto add = [&](const std::string& name, const at::Tensor& value) {
    if (name.starts_with(prefix)) tensors.push_back({name.substr(prefix.size()), value.detach()});
  };
  for (const Parameter& parameter : parameters.trained) add(parameter.name, parameter.value);
  for (const Buffer& buffer : parameters.buffers) add(buffer.name, buffer.value);
  return tensors;
}

Result<std::vector<ArtifactReport>> ExportComponent(const std::string& stem,
                                                    const std::vector<NamedTensor>& tensors,
                                                    const ComponentFacts& facts,
                                                    std::int64_t step) {
  RETURN_IF_ERROR(SaveComponent(stem, tensors, facts));
  return std::vector<ArtifactReport>{{"model", stem + ".pth", step},
                                     {"model", stem + ".safetensors", step}};
}

}  // namespace fusor
