#include "trainer/models/describe.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <set>

#include "trainer/models/network.h"

namespace fusor {
namespace {

std::int64_t Bytes(const at::Tensor& tensor) {
  return tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
}

std::vector<std::int64_t> WithoutBatch(const at::Tensor& tensor) {
  return tensor.sizes().slice(1).vec();
}

class Recorder final : public LayerObserver {
 public:
  explicit Recorder(std::int64_t batch) : batch_(batch) {}

  void OnLayer(const Layer& layer, const at::Tensor& input, const at::Tensor& output) override {
    layers_.push_back({layer.name, layer.kind, layer.conv, WithoutBatch(input),
                       WithoutBatch(output), layer.parameters, layer.multiply_adds / batch_});
    // Backward of ReLU and softmax needs their output, that of all others their input.
    const bool output_kept = layer.kind == LayerKind::kRelu || layer.kind == LayerKind::kSoftmax;
    Keep(output_kept ? output : input);
  }

  std::vector<LayerRow>& layers() { return layers_; }
  std::int64_t kept_bytes() const { return kept_bytes_; }

 private:
  // A tensor that two layers need is kept once.
  void Keep(const at::Tensor& tensor) {
    if (!seen_.insert(tensor.unsafeGetTensorImpl()).second) return;
    kept_.push_back(tensor);
    kept_bytes_ += Bytes(tensor);
  }

  const std::int64_t batch_;
  std::vector<LayerRow> layers_;
  std::set<const void*> seen_;
  std::vector<at::Tensor> kept_;  // so that no address comes twice
  std::int64_t kept_bytes_ = 0;
};

MemoryEstimate EstimateMemory(const ParameterSet& parameters, const DescribeOptions& options,
                              const Precision& precision) {
  MemoryEstimate memory;
  for (const Parameter& parameter : parameters.trained) {
    memory.gradients += Bytes(parameter.value);
    if (precision.compute() != precision.master() && parameter.value.dim() > 1) {
      memory.casts += parameter.value.numel() *
                      static_cast<std::int64_t>(c10::elementSize(precision.compute()));
    }
  }
  memory.weights = memory.gradients;
  for (const Buffer& buffer : parameters.buffers) memory.weights += Bytes(buffer.value);
  memory.moments = options.moments * memory.gradients;
  return memory;
}

// "conv 3x3", "conv 3x3/2 in 8 groups"
std::string ConvText(const ConvShape& conv) {
  const std::string size = std::to_string(conv.kernel);
  std::string text = "conv " + size + "x" + size;
  if (conv.stride > 1) text += "/" + std::to_string(conv.stride);
  if (conv.groups > 1) text += " in " + std::to_string(conv.groups) + " groups";
  return text;
}

}  // namespace

Result<Description> Describe(const DescribeOptions& options) {
  auto precision = Precision::FromName(options.precision, /*on_gpu=*/true);
  if (!precision.ok()) return precision.status();
  ParameterSet parameters;
  ModelBuilder builder(parameters, 0, at::kMeta, precision->master());
  auto network = MakeNetwork(builder, options.network);
  if (!network.ok()) return network.status();
  Recorder recorder(options.batch_size);
  {
    at::NoGradGuard no_gradients;
    at::Tensor images = at::empty({options.batch_size, 3, options.image_size, options.image_size},
                                  at::TensorOptions(precision->master()).device(at::kMeta));
    (*network)->Forward(images,
                        {.precision = *precision, .mode = Mode::kTrain, .observer = &recorder});
  }
  Description description;
  description.network = *CompleteOptions(options.network);
  description.feature_size = (*network)->feature_size();
  description.parameters = parameters.Count();
  description.memory = EstimateMemory(parameters, options, *precision);
  description.memory.activations = recorder.kept_bytes();
  for (const LayerRow& layer : recorder.layers()) {
    description.multiply_adds += layer.multiply_adds;
  }
  description.layers = std::move(recorder.layers());
  return description;
}

std::string LayerKindText(const LayerRow& layer) {
  switch (layer.kind) {
    case LayerKind::kConv:
      return ConvText(layer.conv);
    case LayerKind::kBatchNorm:
      return "batch norm";
    case LayerKind::kRelu:
      return "relu";
    case LayerKind::kLinear:
      return "linear";
    case LayerKind::kLayerNorm:
      return "layer norm";
    case LayerKind::kPool:
      return "mean pool";
    case LayerKind::kSoftmax:
      return "softmax";
    case LayerKind::kMatMul:
      return "product";
  }
  return "";
}

}  // namespace fusor
