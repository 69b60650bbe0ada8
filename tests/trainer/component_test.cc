// Trained parts as files, and the tensors of files in memory.

#include "trainer/io/component.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "tests/trainer/agent.h"
#include "trainer/io/pth.h"
#include "trainer/io/tensor_memory.h"

namespace fusor {
namespace {

using ::testing::HasSubstr;
using testing::ReadAll;
using testing::TemporaryDirectory;
using testing::WriteAll;

const std::string kRecorded = FUSOR_SOURCE_DIR "/tests/trainer/data/";

const ComponentFacts kFacts = {12, 0.8125, "multiplicative", "densenet", 1.0, "expert_0"};

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  const at::Tensor one = a.contiguous();
  const at::Tensor two = b.contiguous();
  return one.nbytes() == 0 ||
         std::memcmp(one.const_data_ptr(), two.const_data_ptr(), one.nbytes()) == 0;
}

const at::Tensor& Find(const std::vector<NamedTensor>& tensors, const std::string& name) {
  for (const NamedTensor& named : tensors) {
    if (named.name == name) return named.tensor;
  }
  ADD_FAILURE() << "no tensor " << name;
  return tensors.at(0).tensor;
}

// Bytes of every value, as elements of every type.
std::vector<NamedTensor> EveryType() {
  const at::Tensor bytes = at::arange(256, at::kLong).to(at::kByte);
  std::vector<NamedTensor> tensors;
  for (int i = 0; i <= static_cast<int>(TensorType::kC128); ++i) {
    const auto type = static_cast<TensorType>(i);
    const at::Tensor tensor = type == TensorType::kBool ? bytes.remainder(2).to(at::kBool)
                                                        : bytes.view(ToScalarType(type));
    tensors.push_back({std::string(TorchTypeName(type)), tensor});
  }
  return tensors;
}

TEST(Pth, EveryTypeComesBackBitForBit) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/a.pth";
  const std::vector<NamedTensor> tensors = EveryType();
  ASSERT_TRUE(WritePth(path, "", tensors, {}).ok());
  auto file = ReadPth(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_EQ(file->tensors.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(file->tensors[i].name, tensors[i].name);
    EXPECT_TRUE(SameBits(file->tensors[i].tensor, tensors[i].tensor)) << tensors[i].name;
  }
}

TEST(Pth, StridesAndTiedTensors) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/a.pth";
  const at::Tensor plain = at::arange(12'000, at::kFloat).view({2, 3, 40, 50});
  const at::Tensor last = plain.contiguous(at::MemoryFormat::ChannelsLast);
  ASSERT_TRUE(WritePth(path, "", std::vector<NamedTensor>{{"a", last}, {"b", last}}, {}).ok());
  EXPECT_LT(std::filesystem::file_size(path), 2 * last.nbytes());
  auto file = ReadPth(path);
  ASSERT_TRUE(file.ok());
  for (const NamedTensor& named : file->tensors) EXPECT_TRUE(named.tensor.equal(plain));
}

TEST(Pth, ValuesKeepTheirKinds) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/a.pth";
  const NamedValues values = {
      {"yes", true}, {"n", std::int64_t{-3}}, {"x", 0.1}, {"t", std::string("text")}};
  ASSERT_TRUE(
      WritePth(path, "state_dict", std::vector<NamedTensor>{{"a", at::ones({1})}}, values).ok());
  auto file = ReadPth(path);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->values, values);
}

class ComponentTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return root_.path() + "/" + name; }

  TemporaryDirectory root_;
  const std::vector<NamedTensor> tensors_ = {{"w", at::arange(6, at::kFloat).view({2, 3})},
                                             {"count", at::full({}, 7, at::kLong)}};
};

TEST_F(ComponentTest, BothFilesSayTheSame) {
  ASSERT_TRUE(SaveComponent(Path("deep/expert_0_best"), tensors_, kFacts).ok());
  for (const char* name : {"deep/expert_0_best.pth", "deep/expert_0_best.safetensors"}) {
    SCOPED_TRACE(name);
    auto component = LoadComponent(Path(name));
    ASSERT_TRUE(component.ok()) << component.status().message();
    EXPECT_EQ(component->facts, kFacts);
    ASSERT_EQ(component->tensors.size(), tensors_.size());
    for (const NamedTensor& named : tensors_) {
      EXPECT_TRUE(SameBits(Find(component->tensors, named.name), named.tensor)) << named.name;
    }
    at::Tensor w = at::zeros({2, 3});
    at::Tensor count = at::zeros({}, at::kLong);
    const std::vector<NamedTensor> into = {{"count", count}, {"w", w}};
    const Status filled = FillTensors(*component, into);
    ASSERT_TRUE(filled.ok()) << filled.message();
    EXPECT_TRUE(w.equal(tensors_[0].tensor));
    EXPECT_EQ(count.item<std::int64_t>(), 7);
  }
}

TEST_F(ComponentTest, EqualPartsMakeEqualFiles) {
  ASSERT_TRUE(SaveComponent(Path("a"), tensors_, kFacts).ok());
  ASSERT_TRUE(SaveComponent(Path("b"), tensors_, kFacts).ok());
  EXPECT_EQ(ReadAll(Path("a.pth")), ReadAll(Path("b.pth")));
  EXPECT_EQ(ReadAll(Path("a.safetensors")), ReadAll(Path("b.safetensors")));
}

TEST_F(ComponentTest, PythonsFiles) {
  auto component = LoadComponent(kRecorded + "component.pth");
  ASSERT_TRUE(component.ok()) << component.status().message();
  EXPECT_EQ(component->facts, kFacts);
  EXPECT_EQ(component->tensors.size(), 6U);
  auto plain = LoadComponent(kRecorded + "state_dict.pth");
  ASSERT_TRUE(plain.ok()) << plain.status().message();
  EXPECT_EQ(plain->facts, ComponentFacts());
  EXPECT_TRUE(Find(plain->tensors, "bn.running_var").equal(at::arange(400, 403, at::kFloat)));
  auto views = LoadComponent(kRecorded + "views.pth");
  ASSERT_TRUE(views.ok());
  const at::Tensor base = at::arange(24, at::kFloat).view({4, 6});
  EXPECT_TRUE(Find(views->tensors, "transposed").equal(base.t()));
  EXPECT_TRUE(Find(views->tensors, "last").equal(base.view({1, 2, 3, 4})));
}

TEST_F(ComponentTest, TiedTensorsComeBackUnderBothNames) {
  const std::vector<NamedTensor> tied = {{"a", tensors_[0].tensor}, {"b", tensors_[0].tensor}};
  ASSERT_TRUE(SaveComponent(Path("tied"), tied, {}).ok());
  for (const char* name : {"tied.pth", "tied.safetensors"}) {
    auto component = LoadComponent(Path(name));
    ASSERT_TRUE(component.ok());
    at::Tensor a = at::zeros({2, 3});
    at::Tensor b = at::zeros({2, 3});
    EXPECT_TRUE(FillTensors(*component, std::vector<NamedTensor>{{"a", a}, {"b", b}}).ok());
    EXPECT_TRUE(b.equal(tensors_[0].tensor)) << name;
  }
}

TEST_F(ComponentTest, NamesEverythingThatDoesNotFit) {
  ASSERT_TRUE(SaveComponent(Path("a"), tensors_, kFacts).ok());
  auto component = LoadComponent(Path("a.pth"));
  ASSERT_TRUE(component.ok());
  at::Tensor w = at::full({3, 2}, 5.0);
  at::Tensor more = at::zeros({4});
  const std::string message =
      FillTensors(*component, std::vector<NamedTensor>{{"w", w}, {"more", more}}).message();
  EXPECT_THAT(message, HasSubstr(Path("a.pth")));
  EXPECT_THAT(message, HasSubstr("'w' is F32[2,3], expected F32[3,2]"));
  EXPECT_THAT(message, HasSubstr("'more' is missing, expected F32[4]"));
  EXPECT_THAT(message, HasSubstr("'count' I64[] is not expected"));
  EXPECT_TRUE(w.equal(at::full({3, 2}, 5.0)));
}

TEST_F(ComponentTest, FloatsAreConvertedAndNothingElse) {
  ASSERT_TRUE(SaveComponent(Path("a"), tensors_, kFacts).ok());
  auto component = LoadComponent(Path("a.safetensors"));
  ASSERT_TRUE(component.ok());
  at::Tensor w = at::zeros({2, 3}, at::kDouble);
  at::Tensor count = at::zeros({}, at::kLong);
  EXPECT_TRUE(FillTensors(*component, std::vector<NamedTensor>{{"w", w}, {"count", count}}).ok());
  EXPECT_EQ(w[1][2].item<double>(), 5.0);
  at::Tensor whole = at::zeros({2, 3}, at::kLong);
  EXPECT_THAT(
      FillTensors(*component, std::vector<NamedTensor>{{"w", whole}, {"count", count}}).message(),
      HasSubstr("'w' is F32[2,3], expected I64[2,3]"));
}

TEST_F(ComponentTest, WhatIsNoComponent) {
  auto problem = [](const std::string& path) { return LoadComponent(path).status().message(); };
  EXPECT_THAT(problem(Path("none.pth")), HasSubstr("none.pth"));
  EXPECT_EQ(LoadComponent(Path("none.pth")).status().code(), Code::kNotFound);
  EXPECT_THAT(problem(kRecorded + "legacy.pth"), HasSubstr("legacy.pth: offset 0: the format"));
  EXPECT_THAT(problem(kRecorded + "module.pth"), HasSubstr("torch.nn.modules.linear.Linear"));
  EXPECT_THAT(problem(kRecorded + "indices.npy"), HasSubstr("neither a zip archive"));
  WriteAll(Path("empty.pth"), "");
  EXPECT_THAT(problem(Path("empty.pth")), HasSubstr("empty.pth"));
}

}  // namespace
}  // namespace fusor
