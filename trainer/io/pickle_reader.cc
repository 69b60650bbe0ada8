#include "trainer/io/pickle_reader.h"

#include <bit>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/limits.h"
#include "common/recipe/value.h"
#include "trainer/io/byte_cursor.h"
#include "trainer/io/pickle_calls.h"
#include "trainer/io/pickle_opcodes.h"
#include "trainer/io/pickle_stack.h"

namespace fusor {
namespace {

using Kind = PickleTree::Kind;
using Node = PickleTree::Node;

constexpr std::size_t kIntegerBytesMax = 255;
constexpr std::size_t kNameBytesMax = 256;

// A little-endian two's complement number of any length.
Node NodeOfLong(std::span<const std::byte> bytes) {
  const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
  if (bytes.size() <= 8) {
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      value = value << 8 | static_cast<std::uint64_t>(bytes[i]);
    }
    return {.kind = Kind::kInt, .integer = static_cast<std::int64_t>(value)};
  }
  double value = negative ? -1 : 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value * 256 + static_cast<double>(bytes[i]);
  }
  return {.kind = Kind::kFloat, .real = value};
}

class Machine {
 public:
  explicit Machine(std::span<const std::byte> pickle) : cursor_(pickle), calls_(stack_) {}

  Result<PickleTree> Run() {
    for (std::size_t steps = 0; steps < limits::kPickleOpcodesMax; ++steps) {
      const std::size_t at = cursor_.at();
      const auto opcode = cursor_.Read<std::uint8_t>();
      Status status = opcode ? Step(*opcode) : DataLoss("the pickle ends before its stop");
      if (status.ok() && !stopped_) continue;
      if (status.ok() && cursor_.left() > 0)
        status = DataLoss("something follows the pickle's stop");
      if (status.ok()) {
        auto tree = stack_.Finish();
        if (tree.ok()) return tree;
        status = tree.status();
      }
      return Status(status.code(), "offset " + std::to_string(at) + ": " + status.message());
    }
    return ResourceExhausted("more than " + std::to_string(limits::kPickleOpcodesMax) + " opcodes");
  }

 private:
  using Handled = std::optional<Status>;  // nothing: another group's opcode

  Status Step(std::uint8_t opcode) {
    if (Handled handled = Frame(opcode)) return *handled;
    if (Handled handled = Scalar(opcode)) return *handled;
    if (Handled handled = Text(opcode)) return *handled;
    if (Handled handled = Container(opcode)) return *handled;
    if (Handled handled = Memo(opcode)) return *handled;
    if (Handled handled = Object(opcode)) return *handled;
    return InvalidArgument("opcode " + std::to_string(opcode) +
                           ", which no state dict of protocol 2 to 5 has");
  }

  static Status CutShort() { return DataLoss("the pickle is cut short"); }

  Handled Frame(std::uint8_t opcode) {
    switch (opcode) {
      case pickle::kProto: {
        const auto protocol = cursor_.Read<std::uint8_t>();
        if (!protocol) return CutShort();
        if (*protocol >= 2 && *protocol <= 5) return Ok();
        return InvalidArgument("protocol " + std::to_string(*protocol) + "; 2 to 5 are read");
      }
      case pickle::kFrame: {
        const auto length = cursor_.Read<std::uint64_t>();
        return length && *length <= cursor_.left() ? Ok() : CutShort();
      }
      case pickle::kStop:
        stopped_ = true;
        return Ok();
      case pickle::kMark:
        stack_.Mark();
        return Ok();
      case pickle::kPop:
        return stack_.Pop().status();
      case pickle::kPopMark:
        return stack_.PopToMark().status();
      default:
        return std::nullopt;
    }
  }

  template <class T>
  Status PushInteger() {
    const auto value = cursor_.Read<T>();
    return value ? stack_.Push({.kind = Kind::kInt, .integer = *value}) : CutShort();
  }

  template <class T>
  Status PushLong() {
    const auto length = cursor_.Read<T>();
    if (length && *length > kIntegerBytesMax) return InvalidArgument("an integer too long to read");
    const auto bytes = length ? cursor_.Take(*length) : std::nullopt;
    return bytes ? stack_.Push(NodeOfLong(*bytes)) : CutShort();
  }

  Handled Scalar(std::uint8_t opcode) {
    switch (opcode) {
      case pickle::kNone:
        return stack_.Push({.kind = Kind::kNone});
      case pickle::kNewTrue:
      case pickle::kNewFalse:
        return stack_.Push({.kind = Kind::kBool, .flag = opcode == pickle::kNewTrue});
      case pickle::kBinInt:
        return PushInteger<std::int32_t>();
      case pickle::kBinInt1:
        return PushInteger<std::uint8_t>();
      case pickle::kBinInt2:
        return PushInteger<std::uint16_t>();
      case pickle::kLong1:
        return PushLong<std::uint8_t>();
      case pickle::kLong4:
        return PushLong<std::uint32_t>();
      case pickle::kBinFloat: {
        const auto bits = cursor_.Read<std::uint64_t>();
        if (!bits) return CutShort();
        const auto value = std::bit_cast<double>(__builtin_bswap64(*bits));
        return stack_.Push({.kind = Kind::kFloat, .real = value});
      }
      default:
        return std::nullopt;
    }
  }

  template <class Length>
  Status PushText(Kind kind) {
    const auto length = cursor_.Read<Length>();
    const auto text = length ? cursor_.TakeText(*length) : std::nullopt;
    if (!text) return CutShort();
    if (kind == Kind::kText && ValidUtf8Bytes(*text) != text->size()) {
      return DataLoss("a text that is no UTF-8");
    }
    return stack_.Push({.kind = kind, .text = std::string(*text)});
  }

  Handled Text(std::uint8_t opcode) {
    switch (opcode) {
      case pickle::kBinUnicode:
      case pickle::kBinString:
        return PushText<std::uint32_t>(Kind::kText);
      case pickle::kShortBinUnicode:
      case pickle::kShortBinString:
        return PushText<std::uint8_t>(Kind::kText);
      case pickle::kBinUnicode8:
        return PushText<std::uint64_t>(Kind::kText);
      case pickle::kBinBytes:
        return PushText<std::uint32_t>(Kind::kBytes);
      case pickle::kShortBinBytes:
        return PushText<std::uint8_t>(Kind::kBytes);
      case pickle::kBinBytes8:
      case pickle::kByteArray8:
        return PushText<std::uint64_t>(Kind::kBytes);
      default:
        return std::nullopt;
    }
  }

  Handled Container(std::uint8_t opcode) {
    switch (opcode) {
      case pickle::kEmptyTuple:
        return stack_.MakeTuple(0);
      case pickle::kTuple1:
      case pickle::kTuple2:
      case pickle::kTuple3:
        return stack_.MakeTuple(opcode - pickle::kTuple1 + std::size_t{1});
      case pickle::kTuple: {
        auto items = stack_.PopToMark();
        if (!items.ok()) return items.status();
        return stack_.Push({.kind = Kind::kTuple, .items = std::move(*items)});
      }
      case pickle::kEmptyList:
        return stack_.Push({.kind = Kind::kList});
      case pickle::kEmptyDict:
        return stack_.Push({.kind = Kind::kDict});
      case pickle::kAppend:
        return Extend(Kind::kList, 1);
      case pickle::kSetItem:
        return Extend(Kind::kDict, 2);
      case pickle::kAppends:
        return ExtendToMark(Kind::kList);
      case pickle::kSetItems:
        return ExtendToMark(Kind::kDict);
      default:
        return std::nullopt;
    }
  }

  Status Extend(Kind kind, std::size_t count) {
    RETURN_IF_ERROR(stack_.MakeTuple(count));
    auto items = stack_.Pop();
    if (!items.ok()) return items.status();
    return stack_.Extend(kind, std::vector(stack_.Get(*items).items));
  }

  Status ExtendToMark(Kind kind) {
    auto items = stack_.PopToMark();
    return items.ok() ? stack_.Extend(kind, *items) : items.status();
  }

  template <class T>
  Status WithKey(Status (PickleStack::*act)(std::uint64_t)) {
    const auto key = cursor_.Read<T>();
    return key ? (stack_.*act)(*key) : CutShort();
  }

  Handled Memo(std::uint8_t opcode) {
    switch (opcode) {
      case pickle::kBinGet:
        return WithKey<std::uint8_t>(&PickleStack::Recall);
      case pickle::kLongBinGet:
        return WithKey<std::uint32_t>(&PickleStack::Recall);
      case pickle::kBinPut:
        return WithKey<std::uint8_t>(&PickleStack::Remember);
      case pickle::kLongBinPut:
        return WithKey<std::uint32_t>(&PickleStack::Remember);
      case pickle::kMemoize:
        return stack_.RememberNext();
      default:
        return std::nullopt;
    }
  }

  std::optional<std::string_view> Line() {
    ByteCursor ahead = cursor_;
    for (std::size_t length = 0; length <= kNameBytesMax; ++length) {
      const auto c = ahead.Read<char>();
      if (!c) break;
      if (*c != '\n') continue;
      auto line = cursor_.TakeText(length);
      cursor_ = ahead;
      return line;
    }
    return std::nullopt;
  }

  Status PushGlobal() {
    const auto module = Line();
    const auto name = module ? Line() : std::nullopt;
    return name ? calls_.PushName(*module, *name)
                : DataLoss("a name that is cut short or too long");
  }

  Status PushStackGlobal() {
    auto name = stack_.Pop();
    if (!name.ok()) return name.status();
    auto module = stack_.Pop();
    if (!module.ok()) return module.status();
    const Node& m = stack_.Get(*module);
    const Node& n = stack_.Get(*name);
    if (m.kind != Kind::kText || n.kind != Kind::kText || m.text.size() > kNameBytesMax ||
        n.text.size() > kNameBytesMax) {
      return DataLoss("a name that is no text, or too long");
    }
    return calls_.PushName(std::string(m.text), std::string(n.text));
  }

  Handled Object(std::uint8_t opcode) {
    switch (opcode) {
      case pickle::kGlobal:
        return PushGlobal();
      case pickle::kStackGlobal:
        return PushStackGlobal();
      case pickle::kReduce:
        return calls_.Reduce();
      case pickle::kBuild:
        return calls_.Build();
      case pickle::kBinPersId:
        return calls_.PushStorage();
      default:
        return std::nullopt;
    }
  }

  ByteCursor cursor_;
  PickleStack stack_;
  PickleCalls calls_;
  bool stopped_ = false;
};

}  // namespace

Result<PickleTree> ReadPickle(std::span<const std::byte> pickle) {
  if (pickle.size() > limits::kPickleBytesMax) {
    return ResourceExhausted("a pickle of " + std::to_string(pickle.size()) + " bytes; at most " +
                             std::to_string(limits::kPickleBytesMax) + " are read");
  }
  return Machine(pickle).Run();
}

}  // namespace fusor
