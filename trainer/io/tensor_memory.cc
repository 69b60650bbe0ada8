#include "trainer/io/tensor_memory.h"

#include <ATen/ops/empty.h>

#include <exception>
#include <map>
#include <tuple>
#include <utility>

namespace fusor {
namespace {

constexpr std::pair<TensorType, at::ScalarType> kPairs[] = {
    {TensorType::kBool, at::kBool},
    {TensorType::kU8, at::kByte},
    {TensorType::kI8, at::kChar},
    {TensorType::kF8E5M2, at::kFloat8_e5m2},
    {TensorType::kF8E4M3, at::kFloat8_e4m3fn},
    {TensorType::kF8E5M2Fnuz, at::kFloat8_e5m2fnuz},
    {TensorType::kF8E4M3Fnuz, at::kFloat8_e4m3fnuz},
    {TensorType::kF8E8M0, at::kFloat8_e8m0fnu},
    {TensorType::kI16, at::kShort},
    {TensorType::kU16, at::kUInt16},
    {TensorType::kF16, at::kHalf},
    {TensorType::kBF16, at::kBFloat16},
    {TensorType::kI32, at::kInt},
    {TensorType::kU32, at::kUInt32},
    {TensorType::kF32, at::kFloat},
    {TensorType::kC32, at::kComplexHalf},
    {TensorType::kI64, at::kLong},
    {TensorType::kU64, at::kUInt64},
    {TensorType::kF64, at::kDouble},
    {TensorType::kC64, at::kComplexFloat},
    {TensorType::kC128, at::kComplexDouble},
};

std::span<const std::int64_t> ShapeOf(const at::Tensor& tensor) {
  return {tensor.sizes().data(), tensor.sizes().size()};
}

}  // namespace

at::ScalarType ToScalarType(TensorType type) {
  for (const auto& [file, memory] : kPairs) {
    if (file == type) return memory;
  }
  return at::ScalarType::Undefined;
}

Result<TensorType> ToTensorType(const NamedTensor& named) {
  for (const auto& [file, memory] : kPairs) {
    if (memory == named.tensor.scalar_type()) return file;
  }
  return InvalidArgument("tensor '" + named.name + "' has a type that files do not know: " +
                         c10::toString(named.tensor.scalar_type()));
}

std::string Describe(const at::Tensor& tensor) {
  auto type = ToTensorType({"", tensor});
  const std::string name = type.ok() ? std::string(TensorTypeName(*type))
                                     : std::string(c10::toString(tensor.scalar_type()));
  return name + ShapeText(ShapeOf(tensor));
}

Result<at::Tensor> NewTensor(TensorType type, std::span<const std::int64_t> shape) {
  try {
    return at::empty(at::IntArrayRef(shape.data(), shape.size()), ToScalarType(type));
  } catch (const std::exception&) {
    return ResourceExhausted("no memory for " + std::string(TensorTypeName(type)) +
                             ShapeText(shape));
  }
}

std::span<std::byte> BytesOf(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

std::vector<std::size_t> FindTied(std::span<const NamedTensor> tensors) {
  using View =
      std::tuple<const void*, at::ScalarType, std::vector<std::int64_t>, std::vector<std::int64_t>>;
  std::map<View, std::size_t> seen;
  std::vector<std::size_t> first(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const at::Tensor& tensor = tensors[i].tensor;
    first[i] = i;
    if (tensor.numel() == 0) continue;
    View view{tensor.const_data_ptr(), tensor.scalar_type(), tensor.sizes().vec(),
              tensor.strides().vec()};
    first[i] = seen.emplace(std::move(view), i).first->second;
  }
  return first;
}

}  // namespace fusor
