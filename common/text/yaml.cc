#include "common/text/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "common/recipe/value.h"

namespace fusor {

namespace {

TextPlace PlaceOf(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

TextPlace PlaceAt(std::string_view text, std::size_t offset) {
  TextPlace place;
  for (const char c : text.substr(0, offset)) {
    place.column = c == '\n' ? 1 : place.column + 1;
    place.line += c == '\n' ? 1 : 0;
  }
  return place;
}

// The first byte that has no business in a YAML file. The parser takes byte 4 for the end of the
// file.
std::optional<YamlProblem> BadByte(std::string_view text) {
  const std::size_t valid = ValidUtf8Bytes(text);
  for (std::size_t i = 0; i < valid; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool allowed = byte >= 0x20 ? byte != 0x7f : byte == '\n' || byte == '\r' || byte == '\t';
    if (!allowed) return YamlProblem{PlaceAt(text, i), "a control character"};
  }
  if (valid < text.size()) return YamlProblem{PlaceAt(text, valid), "a byte that is not UTF-8"};
  return std::nullopt;
}

// Builds the tree from the parser's events. After a problem that leaves no sensible tree it ignores
// the rest: an exception must not pass through the parser.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, int source, const YamlLimits& limits)
      : text_(text), source_(source), limits_(limits) {}

  YamlDocument Take() { return std::move(document_); }
  void Complete() { document_.is_whole = !stopped_; }
  void Problem(TextPlace place, std::string message) {
    document_.problems.push_back({place, std::move(message)});
  }
  bool stopped() const { return stopped_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node = Node(mark, YamlNode::Kind::kNull);
    node.text = NullAt(mark);
    Finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (stopped_) return;
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) {
      Stop(PlaceOf(mark), "an alias to something that contains it");
      return;
    }
    // Counted before it is copied: a few lines of aliases can stand for more than any memory.
    nodes_ += target->second.nodes;
    if (nodes_ > limits_.nodes_max) {
      Stop(PlaceOf(mark), "more than " + std::to_string(limits_.nodes_max) + " values");
      return;
    }
    if (open_.size() + target->second.depth > limits_.depth_max) {
      StopForDepth(PlaceOf(mark));
      return;
    }
    Place(target->second.node, target->second.depth, target->second.nodes);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = Node(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!";
    if (tag != "!" && tag != "?") node.tag = tag;
    Finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kSequence, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kMap, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  // A collection whose end has not come yet.
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;  // of a map: the key has come, its value has not
    std::size_t nodes = 1;
    std::size_t depth = 1;
    std::map<std::string, int, std::less<>> key_lines;
    std::vector<std::size_t> refused;  // entries of a map that have a problem
  };
  struct Anchored {
    YamlNode node;
    std::size_t nodes = 1;
    std::size_t depth = 0;
  };

  void Stop(TextPlace place, std::string message) {
    Problem(place, std::move(message));
    stopped_ = true;
  }
  void StopForDepth(TextPlace place) {
    Stop(place, "nested deeper than " + std::to_string(limits_.depth_max) + " levels");
  }

  YamlNode Node(const YAML::Mark& mark, YamlNode::Kind kind) const {
    YamlNode node;
    node.kind = kind;
    node.place = PlaceOf(mark);
    node.source = source_;
    return node;
  }

  // The parser does not tell `null` from nothing; the text does.
  std::string NullAt(const YAML::Mark& mark) const {
    if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) >= text_.size()) return "";
    const std::string_view rest = text_.substr(static_cast<std::size_t>(mark.pos));
    for (const std::string_view word : {"null", "Null", "NULL"}) {
      if (rest.starts_with(word)) return std::string(word);
    }
    return "";
  }

  void Open(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& tag,
            YAML::anchor_t anchor) {
    if (stopped_) return;
    if (open_.size() >= limits_.depth_max) {
      StopForDepth(PlaceOf(mark));
      return;
    }
    Frame frame;
    frame.node = Node(mark, kind);
    if (tag != "!" && tag != "?") frame.node.tag = tag;
    frame.anchor = anchor;
    open_.push_back(std::move(frame));
  }

  void Close() {
    if (stopped_) return;
    Frame frame = std::move(open_.back());
    open_.pop_back();
    if (!frame.refused.empty()) DropRefused(frame);
    if (frame.anchor != YAML::NullAnchor) {
      anchors_[frame.anchor] = {frame.node, frame.nodes, frame.depth};
    }
    if (++nodes_ > limits_.nodes_max) {
      Stop(frame.node.place, "more than " + std::to_string(limits_.nodes_max) + " values");
      return;
    }
    Place(std::move(frame.node), frame.depth, frame.nodes);
  }

  static void DropRefused(Frame& frame) {
    std::vector<YamlEntry> kept;
    auto refused = frame.refused.begin();
    for (std::size_t i = 0; i < frame.node.entries.size(); ++i) {
      if (refused != frame.refused.end() && *refused == i) {
        ++refused;
      } else {
        kept.push_back(std::move(frame.node.entries[i]));
      }
    }
    frame.node.entries = std::move(kept);
  }

  void Finish(YamlNode node, YAML::anchor_t anchor) {
    if (stopped_) return;
    if (++nodes_ > limits_.nodes_max) {
      Stop(node.place, "more than " + std::to_string(limits_.nodes_max) + " values");
      return;
    }
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {node, 1, 0};
    Place(std::move(node), 0, 1);
  }

  // Puts a finished node where it belongs.
  void Place(YamlNode node, std::size_t depth, std::size_t nodes) {
    if (open_.empty()) {
      document_.root = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    frame.nodes += nodes;
    frame.depth = std::max(frame.depth, depth + 1);
    if (frame.node.kind == YamlNode::Kind::kSequence) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      PlaceKey(frame, node);
    } else {
      PlaceValue(frame, std::move(node));
    }
  }

  // "{crashes:0}" is a name without a value to YAML, and never what was meant.
  void PlaceValue(Frame& frame, YamlNode node) {
    YamlEntry& entry = frame.node.entries.back();
    const std::size_t colon = entry.key.find(':');
    if (colon != std::string::npos && node.kind == YamlNode::Kind::kNull && node.text.empty()) {
      Problem(entry.place, "'" + entry.key + "' is one word; with a blank behind the colon: '" +
                               entry.key.substr(0, colon) + ": " + entry.key.substr(colon + 1) +
                               "'");
      const std::size_t index = frame.node.entries.size() - 1;
      if (frame.refused.empty() || frame.refused.back() != index) frame.refused.push_back(index);
    }
    entry.value = std::move(node);
    frame.has_key = false;
  }

  void PlaceKey(Frame& frame, const YamlNode& node) {
    const std::size_t problems = document_.problems.size();
    if (node.kind != YamlNode::Kind::kScalar) {
      Problem(node.place, "a key must be a name");
    } else if (node.text == "<<" && !node.quoted) {
      Problem(node.place, "merge keys (<<) are not read; write the keys out");
    } else {
      const auto [first, fresh] = frame.key_lines.try_emplace(node.text, node.place.line);
      if (!fresh) {
        Problem(node.place, "duplicate key '" + node.text + "' (first on line " +
                                std::to_string(first->second) + ")");
      }
    }
    if (document_.problems.size() > problems) frame.refused.push_back(frame.node.entries.size());
    frame.node.entries.push_back(
        {.key = node.text, .place = node.place, .source = source_, .value = {}});
    frame.has_key = true;
  }

  std::string_view text_;
  int source_;
  YamlLimits limits_;
  YamlDocument document_;
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  bool stopped_ = false;
};

}  // namespace

const YamlEntry* YamlNode::Find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

YamlDocument ParseYaml(std::string_view text, int source, const YamlLimits& limits) {
  Builder builder(text, source, limits);
  if (text.size() > limits.bytes_max) {
    builder.Problem({}, "larger than " + std::to_string(limits.bytes_max) + " bytes");
    return builder.Take();
  }
  if (const auto bad = BadByte(text)) {
    builder.Problem(bad->place, bad->message);
    return builder.Take();
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (parser.HandleNextDocument(builder)) {
      builder.Problem({}, "more than one document");
    } else {
      builder.Complete();
    }
  } catch (const YAML::Exception& e) {
    // What follows a problem of our own need not make sense.
    if (!builder.stopped()) builder.Problem(PlaceOf(e.mark), "not YAML: " + e.msg);
  } catch (const std::exception& e) {
    builder.Problem({}, std::string("not YAML: ") + e.what());
  }
  return builder.Take();
}

}  // namespace fusor
