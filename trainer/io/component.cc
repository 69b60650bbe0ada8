#include "trainer/io/component.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "trainer/io/mapped_file.h"
#include "trainer/io/pth.h"
#include "trainer/io/safetensors.h"
#include "trainer/io/tensor_memory.h"
#include "trainer/io/tensor_names.h"

namespace fusor {
namespace {

constexpr char kTensorsKey[] = "model_state_dict";
constexpr std::size_t kProblemsShown = 20;

NamedValues ValuesOf(const ComponentFacts& facts) {
  NamedValues values;
  if (facts.epoch) values.emplace_back("epoch", *facts.epoch);
  if (facts.accuracy) values.emplace_back("accuracy", *facts.accuracy);
  if (!facts.fusion_type.empty()) values.emplace_back("fusion_type", facts.fusion_type);
  if (!facts.model_architecture.empty()) {
    values.emplace_back("model_architecture", facts.model_architecture);
  }
  if (facts.alpha) values.emplace_back("alpha", *facts.alpha);
  if (!facts.component.empty()) values.emplace_back("component", facts.component);
  if (!facts.pixels.empty()) values.emplace_back("pixels", facts.pixels);
  if (!facts.division.empty()) values.emplace_back("division", facts.division);
  return values;
}

// Numbers are texts in the metadata of a safetensors file, and what Python saved may be an integer.
template <class T>
std::optional<T> NumberOf(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<T>(*integer);
  if (const auto* real = std::get_if<double>(&value)) {
    if constexpr (std::is_same_v<T, double>) return *real;
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    T number{};
    const char* end = text->data() + text->size();
    auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error == std::errc() && stop == end) return number;
  }
  return std::nullopt;
}

// False: the facts have no such member.
bool Set(ComponentFacts& facts, const std::string& name, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (name == "epoch") {
    facts.epoch = NumberOf<std::int64_t>(value);
  } else if (name == "accuracy") {
    facts.accuracy = NumberOf<double>(value);
  } else if (name == "alpha") {
    facts.alpha = NumberOf<double>(value);
  } else if (name == "fusion_type") {
    if (text != nullptr) facts.fusion_type = *text;
  } else if (name == "model_architecture") {
    if (text != nullptr) facts.model_architecture = *text;
  } else if (name == "component") {
    if (text != nullptr) facts.component = *text;
  } else if (name == "pixels" || name == "fusor.pixels") {  // of a part, of a whole model
    if (text != nullptr) facts.pixels = *text;
  } else if (name == "division" || name == "fusor.division") {
    if (text != nullptr) facts.division = *text;
  } else {
    return false;
  }
  return true;
}

Result<Component> LoadSafetensors(const std::string& path) {
  auto file = SafetensorsFile::Open(path);
  if (!file.ok()) return file.status();
  Component component{.path = path};
  std::vector<std::string> names;
  for (const TensorEntry& entry : file->header().tensors) names.push_back(entry.name);
  const std::vector<std::string> tied = file->TiedNames();
  for (const auto& [name, text] : file->header().metadata) {
    if (Set(component.facts, name, text)) continue;
    if (std::find(tied.begin(), tied.end(), name) != tied.end()) names.push_back(name);
  }
  for (const std::string& name : names) {
    auto tensor = file->View(*file->Find(name));
    if (!tensor.ok()) return tensor.status();
    component.tensors.push_back({name, std::move(*tensor)});
  }
  return component;
}

Result<Component> LoadPth(const std::string& path) {
  auto file = ReadPth(path);
  if (!file.ok()) return file.status();
  Component component{.path = path, .tensors = std::move(file->tensors)};
  for (const auto& [name, value] : file->values) Set(component.facts, name, value);
  return component;
}

// Zip archives and pickles are torch's; a safetensors file begins with its header's length.
Result<bool> IsTorchFile(const std::string& path) {
  auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  std::array<char, 10> head{};
  const auto bytes = file->bytes().first(std::min(head.size(), file->bytes().size()));
  std::copy_n(reinterpret_cast<const char*>(bytes.data()), bytes.size(), head.begin());
  const std::string_view text(head.data(), bytes.size());
  return !(text.size() == head.size() && text[8] == '{' && !text.starts_with("PK"));
}

// Why the one cannot be copied into the other, or nothing.
std::optional<std::string> Misfit(const NamedTensor& found, const at::Tensor& into) {
  const at::ScalarType from = found.tensor.scalar_type();
  const at::ScalarType to = into.scalar_type();
  const bool convertible = c10::isFloatingType(from) && c10::isFloatingType(to);
  if (found.tensor.sizes() == into.sizes() && (from == to || convertible)) return std::nullopt;
  return "'" + found.name + "' is " + Describe(found.tensor) + ", expected " + Describe(into);
}

std::string Unexpected(const NamedTensor& found) {
  return "'" + found.name + "' " + Describe(found.tensor) + " is not expected";
}

Status Misfits(const std::string& path, const std::vector<std::string>& problems) {
  std::string message = path + ": does not fit: ";
  const std::size_t shown = std::min(problems.size(), kProblemsShown);
  for (std::size_t i = 0; i < shown; ++i) message += (i > 0 ? "; " : "") + problems[i];
  if (shown < problems.size()) {
    message += "; and " + std::to_string(problems.size() - shown) + " more";
  }
  return FailedPrecondition(std::move(message));
}

}  // namespace

Status SaveComponent(const std::string& stem, std::span<const NamedTensor> tensors,
                     const ComponentFacts& facts) {
  const NamedValues values = ValuesOf(facts);
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  for (const auto& [name, value] : values) metadata[name] = DisplayText(value);
  RETURN_IF_ERROR(WriteSafetensors(stem + ".safetensors", tensors, metadata));
  return WritePth(stem + ".pth", kTensorsKey, tensors, values);
}

Result<Component> LoadComponent(const std::string& path) {
  auto torch = IsTorchFile(path);
  if (!torch.ok()) return torch.status();
  return *torch ? LoadPth(path) : LoadSafetensors(path);
}

Component PartOf(Component component, std::string_view prefix) {
  std::vector<NamedTensor> part;
  for (const NamedTensor& named : component.tensors) {
    const std::string name = OwnName(named.name);
    if (name.starts_with(prefix)) part.push_back({name.substr(prefix.size()), named.tensor});
  }
  if (!part.empty()) component.tensors = std::move(part);
  return component;
}

Status FillTensors(const Component& component, std::span<const NamedTensor> into) {
  std::vector<std::string> problems;
  std::set<std::string_view> names;
  for (const NamedTensor& wanted : into) names.insert(wanted.name);
  std::map<std::string, const NamedTensor*> left;
  for (const NamedTensor& found : component.tensors) {
    const std::string name = names.contains(found.name) ? found.name : OwnName(found.name);
    if (!left.emplace(name, &found).second) problems.push_back(Unexpected(found));
  }
  std::vector<const NamedTensor*> sources;
  for (const NamedTensor& wanted : into) {
    const auto found = left.find(wanted.name);
    if (found == left.end()) {
      problems.push_back("'" + wanted.name + "' is missing, expected " + Describe(wanted.tensor));
      continue;
    }
    if (auto misfit = Misfit(*found->second, wanted.tensor)) problems.push_back(*misfit);
    sources.push_back(found->second);
    left.erase(found);
  }
  for (const auto& [name, found] : left) problems.push_back(Unexpected(*found));
  if (!problems.empty()) return Misfits(component.path, problems);
  for (std::size_t i = 0; i < into.size(); ++i) {
    into[i].tensor.detach().copy_(sources[i]->tensor);
  }
  return Ok();
}

}  // namespace fusor
